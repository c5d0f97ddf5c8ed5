import Glibc
import Testing

@testable import ISAPI

@Suite struct SharedObjectTests {
    /// The C library's mathematics, a small library that every system has.
    private func library() throws -> [UInt8] {
        var path = ""
        for folder in ["/usr/lib", "/lib64", "/lib/aarch64-linux-gnu", "/lib/x86_64-linux-gnu"] {
            let candidate = folder + "/libm.so.6"
            if unsafe access(candidate, R_OK) == 0 { path = candidate }
        }
        let file = unsafe open(path, O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        let size = Int(lseek(file, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: size)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, size, 0) }
        try #require(count == size)
        return bytes
    }

    @Test func `Tells exports from imports`() throws {
        let object = try SharedObject(library())
        #expect(object.machine == SharedObject.ownMachine)
        #expect(object.exports.contains("cos"))
        #expect(!object.imports.contains("cos"))
    }

    @Test func `A library that is cut short is damaged, wherever that is`() throws {
        let bytes = try library()
        for length in Array(4..<64) + [bytes.count / 2, bytes.count - 65] {
            #expect(throws: SharedObject.Failure.isDamaged) { try SharedObject(Array(bytes.prefix(length))) }
        }
    }

    @Test func `A number that points anywhere is survived`() throws {
        let bytes = try library()
        for offset in 16..<64 {
            for value: UInt8 in [0x00, 0xFF] {
                var changed = bytes
                changed[offset] = value
                _ = try? SharedObject(changed)
            }
        }
    }

    @Test func `Other files are told apart`() {
        #expect(throws: SharedObject.Failure.isWindowsBinary) { try SharedObject(Array("MZ".utf8)) }
        #expect(throws: SharedObject.Failure.isNotELF) { try SharedObject([]) }
        #expect(throws: SharedObject.Failure.isNot64Bit) { try SharedObject([0x7F, 0x45, 0x4C, 0x46, 1, 1]) }
    }
}
