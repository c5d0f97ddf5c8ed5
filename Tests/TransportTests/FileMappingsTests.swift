import CLinux
import Glibc
import TestSupport
import Testing

@testable import Transport

@Suite("Mapped files") struct FileMappingsTests {
    private static let page = Int(getpagesize())

    @Test func `A file is mapped when it is asked for a second time`() throws {
        let mappings = FileMappings(limit: 1 << 20)
        let file = ChangingFile("content")
        #expect(mappings.mapping(of: file.open, for: 0..<7) == nil)
        let mapping = try #require(mappings.mapping(of: file.open, for: 0..<7))
        #expect(MappedPiece(mapping, of: file.open, 0..<7).text == "content")
        #expect(mappings.mapping(of: file.open, for: 2..<7) === mapping)
        #expect(mappings.inUse == (1, 7))
    }

    @Test func `Whoever goes on where he stopped asks for nothing again`() {
        let mappings = FileMappings(limit: 1 << 20)
        let file = ChangingFile("content")
        for start in 0..<7 {
            #expect(mappings.mapping(of: file.open, for: UInt64(start)..<UInt64(start + 1)) == nil)
        }
        #expect(mappings.mapping(of: file.open, for: 3..<4) != nil)
    }

    @Test func `Nothing is mapped where mapping is off, and no more than is left once it is`() {
        let off = FileMappings()
        let file = ChangingFile("content")
        #expect(off.ask(file, times: 3) == nil)
        let mappings = FileMappings(limit: 7)
        _ = mappings.ask(file, times: 2)
        mappings.setLimit(6)
        #expect(mappings.inUse == (0, 0))
        #expect(mappings.ask(file, times: 3) == nil)
    }

    @Test func `What is empty, no file, or shorter than what is asked for is not mapped`() {
        let mappings = FileMappings(limit: 1 << 20)
        #expect(mappings.ask(ChangingFile(""), times: 3) == nil)
        let file = ChangingFile("content")
        for _ in 0..<3 {
            #expect(mappings.mapping(of: file.open, for: 0..<8) == nil)
            #expect(mappings.mapping(of: OpenFile(adopting: socketPair().descriptor), for: 0..<1) == nil)
        }
    }

    @Test func `A file that has become another one is mapped anew`() throws {
        let mappings = FileMappings(limit: 1 << 20)
        let file = ChangingFile("content")
        let first = try #require(mappings.ask(file, times: 2))
        #expect(first.isCurrent(file.open))
        file.append(" and more")
        #expect(!first.isCurrent(file.open))
        #expect(mappings.ask(file, times: 1) == nil)
        #expect(mappings.inUse.files == 0)
        let second = try #require(mappings.ask(file, times: 1))
        #expect(MappedPiece(second, of: file.open, 0..<16).text == "content and more")
        #expect(MappedPiece(first, of: file.open, 0..<7).isIntact)
    }

    @Test func `The file that was asked for least recently makes room`() {
        let mappings = FileMappings(limit: 14)
        let files = (0..<3).map { _ in ChangingFile("content") }
        _ = mappings.ask(files[0], times: 2)
        _ = mappings.ask(files[1], times: 2)
        _ = mappings.ask(files[0], times: 1)
        #expect(mappings.ask(files[2], times: 2) != nil)
        #expect(mappings.inUse == (2, 14))
        #expect(mappings.ask(files[0], times: 1) != nil)
        #expect(mappings.ask(files[1], times: 1) == nil)
    }

    @Test func `Files that are asked for in turn do not push each other out`() {
        let mappings = FileMappings(limit: 14)
        let files = (0..<4).map { _ in ChangingFile("content") }
        for _ in 0..<5 {
            for file in files { _ = mappings.ask(file, times: 1) }
        }
        #expect(files.map { mappings.ask($0, times: 1) != nil } == [true, true, false, false])
    }

    @Test func `What is in use stays, and what it takes counts until its end`() throws {
        let mappings = FileMappings(limit: 7)
        let file = ChangingFile("content")
        var mapping = mappings.ask(file, times: 2)
        let other = ChangingFile("another")
        #expect(mappings.ask(other, times: 3) == nil)
        mappings.drop(try #require(mapping))
        #expect(mappings.inUse == (0, 7))
        #expect(mappings.ask(other, times: 1) == nil)
        #expect(mapping.map { MappedPiece($0, of: file.open, 0..<7).text } == "content")
        mapping = nil
        #expect(mappings.ask(other, times: 1) != nil)
    }

    /// In a process of its own: there are as many for all tests together.
    @Test func `No more files are mapped than can be watched`() async {
        await #expect(processExitsWith: .success) {
            let mappings = FileMappings(limit: 1 << 20)
            let files = (0..<Int(CLinux_MAPPING_LIMIT) + 8).map { _ in ChangingFile("content") }
            for file in files { _ = mappings.ask(file, times: 2) }
            #expect(mappings.inUse.files == Int(CLinux_MAPPING_LIMIT) - 1)
            #expect(mappings.ask(files[files.count - 1], times: 1) != nil)
        }
    }

    @Test func `What is read of a file that has become shorter is known not to be its content`() throws {
        let mappings = FileMappings(limit: 1 << 20)
        let file = ChangingFile(String(repeating: "x", count: 3 * Self.page))
        let other = ChangingFile("content")
        let mapping = try #require(mappings.ask(file, times: 2))
        let untouched = try #require(mappings.ask(other, times: 2))
        let piece = MappedPiece(mapping, of: file.open, 10..<2 * Self.page)
        #expect(piece.text.hasPrefix("xxx"))
        #expect(piece.isIntact)
        file.truncate(to: 0)
        #expect(piece.text.hasPrefix("\0\0\0"))
        #expect(mapping.isBroken)
        #expect(!piece.isIntact)
        #expect(!untouched.isBroken)
        #expect(mappings.ask(file, times: 1) == nil)
        file.append(String(repeating: "y", count: 3 * Self.page))
        #expect(!piece.isIntact)
        let next = try #require(mappings.ask(file, times: 2))
        #expect(MappedPiece(next, of: file.open, 0..<3).text == "yyy")
    }

    @Test func `A file that ends within the page that was read is found out`() throws {
        for (size, end) in [(3 * Self.page, 100), (3 * Self.page, 2 * Self.page), (100, 100)] {
            let mappings = FileMappings(limit: 1 << 20)
            let file = ChangingFile(String(repeating: "x", count: size))
            let mapping = try #require(mappings.ask(file, times: 2))
            let piece = MappedPiece(mapping, of: file.open, 0..<end)
            file.truncate(to: min(end, Self.page) - 50)
            #expect(piece.text.hasPrefix("xxx"))
            #expect(!piece.isIntact)
        }
    }

    @Test func `Only while bytes of a mapping are passed on must they be the file's`() async throws {
        let mappings = FileMappings(limit: 1 << 20)
        let file = ChangingFile("content")
        let mapping = try #require(mappings.ask(file, times: 2))
        try await withWorker { worker in
            try await worker.run {
                let piece = MappedPiece(mapping, of: file.open, 0..<7)
                _ = worker.passing(piece) { bytes in
                    #expect(worker.mayLeave)
                    file.truncate(to: 3)
                    #expect(!worker.mayLeave)
                    return .bytes(bytes.count)
                }
                #expect(worker.mayLeave)
            }
        }
    }

    @Test func `A bus error that is none of ours ends the process`() async {
        await #expect(processExitsWith: .failure) {
            _ = FileMappings(limit: 1 << 20)
            readBehindTheEnd()
        }
    }

    @Test func `A bus error that is none of ours goes to whoever was there before`() async {
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGBUS) { _ in _exit(7) }
            _ = FileMappings(limit: 1 << 20)
            readBehindTheEnd()
        }
    }

    @Test func `Nothing is mapped once other code has taken the signal over`() async {
        await #expect(processExitsWith: .exitCode(3)) {
            let mappings = FileMappings(limit: 1 << 20) { exit(3) }
            let mapping = mappings.ask(ChangingFile("content"), times: 2)
            guard mapping != nil else { exit(1) }
            signal(SIGBUS, SIG_DFL)
            _ = mappings.ask(ChangingFile("content"), times: 2)
        }
    }
}

/// Touches a mapping that nobody watches, of a file that is empty.
private func readBehindTheEnd() {
    let file = ChangingFile("content")
    let address = unsafe mmap(nil, 7, PROT_READ, MAP_SHARED, file.open.number, 0)
    file.truncate(to: 0)
    unsafe CLinux_touch(address)
}

/// A file without a name.
private final class ChangingFile: Sendable {
    let open = OpenFile(adopting: unsafe CLinux_memfd_create("file"))

    init(_ text: String) {
        append(text)
    }

    private var descriptor: Int32 { open.number }

    func append(_ text: String) {
        lseek(descriptor, 0, SEEK_END)
        let written = Array(text.utf8).withBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        precondition(written == text.utf8.count, "a memory file takes what it is given")
    }

    func truncate(to size: Int) {
        precondition(ftruncate(descriptor, off_t(size)) == 0, "a memory file can become shorter")
    }
}

extension FileMappings {
    /// What the last of some requests for all of the file is given.
    fileprivate func ask(_ file: ChangingFile, times: Int) -> FileMapping? {
        let size = UInt64(max(lseek(file.open.number, 0, SEEK_END), 0))
        var last: FileMapping?
        for _ in 0..<times { last = mapping(of: file.open, for: 0..<size) }
        return last
    }
}

extension MappedPiece {
    fileprivate var text: String { String(decoding: bytes, as: UTF8.self) }
}
