import Glibc
import Testing

@testable import HTTP

@Suite("Held bodies") struct SpoolTests {
    @Test(arguments: [0, 1, 99, 100, 101, 250, 1000]) func `What goes in comes out, wherever it is held`(
        _ memory: Int
    ) throws {
        let content = (0..<250).map { UInt8($0) }
        for split in [0, 1, 99, 100, 101, 249, 250] {
            let spool = Spool(Spool.Limits(memory: memory, folder: "/tmp"))
            try append(content[..<split], to: spool)
            try append(content[split...], to: spool)
            #expect(spool.count == 250)
            for offset in [0, 1, 100, 249, 250] { #expect(try read(spool, from: offset) == Array(content[offset...])) }
        }
    }

    @Test func `More than the limit is refused and changes nothing`() throws {
        let spool = Spool(Spool.Limits(memory: 10, total: 20, folder: "/tmp"))
        try append(Array(repeating: 1, count: 20)[...], to: spool)
        #expect(throws: Spool.Failure.tooLarge) { try append([2], to: spool) }
        #expect(spool.count == 20)
        try append([], to: spool)
    }

    @Test func `A folder that is not there is named by the system's error`() throws {
        let spool = Spool(Spool.Limits(memory: 1, folder: "/nonexistent"))
        try append([1], to: spool)
        #expect(throws: Spool.Failure.system(ENOENT)) { try append([2], to: spool) }
        #expect(try read(spool, from: 0) == [1])
    }

    private func append(_ bytes: ArraySlice<UInt8>, to spool: Spool) throws {
        try bytes.withBytes { try spool.append($0) }
    }

    private func read(_ spool: Spool, from offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 300)
        let count = try bytes.withMutableBytes { try spool.read(from: offset, into: $0) }
        return Array(bytes[..<count])
    }
}
