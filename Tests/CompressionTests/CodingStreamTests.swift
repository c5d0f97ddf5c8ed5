import CZlib
import HTTP
import Memory
import Testing

@testable import Compression

@Suite("Coding streams")
struct CodingStreamTests {
    @Test("What is decoded is what was coded, however it came in", arguments: ContentCoding.available, [1, 6, 9])
    func roundTrip(_ coding: ContentCoding, _ level: Int) throws {
        let pool = CompressionPool(memoryLimit: 64 << 20)
        for size in [0, 1, 100, 65_536, 300_000] {
            let content = sample(size)
            for piece in [1 + size / 3, 7919, 1 << 20] {
                let stream = try #require(pool.takeStream(coding, level: level))
                let coded = code(content, in: piece, through: stream)
                pool.giveBack(stream)
                guard coding == .gzip || coding == .deflate else { continue }
                #expect(inflate(coded) == content)
            }
            let whole = try content.withBytes { bytes in
                Array(try #require(pool.codeWhole(bytes, coding, level: level)))
            }
            guard coding == .gzip || coding == .deflate else { continue }
            #expect(inflate(whole) == content)
        }
    }

    @Test("A flush brings out all that went in", arguments: [ContentCoding.gzip, .deflate])
    func flushes(_ coding: ContentCoding) throws {
        let stream = try #require(CodingStream.make(coding, level: 6))
        var coded: [UInt8] = []
        var content: [UInt8] = []
        for round in 1...5 {
            content += sample(round * 1000)
            coded += run(stream, sample(round * 1000), .collect, room: 300)
            coded += run(stream, [], .flush, room: 300)
            #expect(inflate(coded, toEnd: false) == content)
        }
    }

    @Test("A stream forgets the body before", arguments: ContentCoding.available)
    func resets(_ coding: ContentCoding) throws {
        let pool = CompressionPool(memoryLimit: 64 << 20)
        let first = try #require(pool.takeStream(coding, level: 5))
        let expected = code(sample(5000), in: 5000, through: first)
        pool.giveBack(first)
        let second = try #require(pool.takeStream(coding, level: 5))
        _ = run(second, sample(100), .collect, room: 1000)
        pool.giveBack(second)
        let third = try #require(pool.takeStream(coding, level: 5))
        #expect(code(sample(5000), in: 5000, through: third) == expected)
    }

    private func code(_ content: [UInt8], in piece: Int, through stream: CodingStream) -> [UInt8] {
        var coded: [UInt8] = []
        var start = 0
        while start < content.count {
            let end = min(start + piece, content.count)
            coded += run(stream, Array(content[start..<end]), .collect, room: 1000)
            start = end
        }
        return coded + run(stream, [], .finish, room: 1000)
    }
}

/// Passes `input` to the stream until it is finished; returns the output.
func run(_ stream: CodingStream, _ input: [UInt8], _ step: CodingStep, room size: Int) -> [UInt8] {
    var output: [UInt8] = []
    let room = OwnedBytes(count: size)
    var rest = input[...]
    while true {
        let progress = rest.withBytes { stream.code($0, step, into: room.room) }
        output.append(contentsOf: room.view[..<progress.produced])
        rest = rest.dropFirst(progress.consumed)
        if progress.isDone { return output }
    }
}

/// Text that compresses, but not to nothing.
func sample(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(97 + ($0 &* $0 >> 7) % 26) }
}

/// The decoded content of gzip or deflate; empty when it is malformed or, with `toEnd`, does not end where the bytes
/// do.
func inflate(_ coded: [UInt8], toEnd: Bool = true) -> [UInt8]? {
    var stream = unsafe z_stream()
    // Either format, distinguished by its header.
    guard unsafe CZlib_inflateInit2(&stream, 47) == Z_OK else { return nil }
    defer { unsafe inflateEnd(&stream) }
    var content = [UInt8](repeating: 0, count: 4 << 20)
    let outcome = coded.withBytes { input in
        unsafe content.withUnsafeMutableBytes { output in
            unsafe stream.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.avail_in = UInt32(input.count)
            unsafe stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.avail_out = UInt32(output.count)
            return unsafe inflate(&stream, Z_SYNC_FLUSH)
        }
    }
    guard unsafe stream.avail_in == 0, outcome == (toEnd ? Z_STREAM_END : Z_OK) else { return nil }
    return unsafe Array(content[..<(content.count - Int(stream.avail_out))])
}
