import HTTP
import Testing

@testable import Compression

@Suite("The pool of coders")
struct CompressionPoolTests {
    @Test("Beyond the limit no stream is lent, until one comes back")
    func limitsStreams() throws {
        let pool = CompressionPool(memoryLimit: 2 * DeflateStream.memory)
        let first = try #require(pool.takeStream(.gzip, level: 5))
        let second = try #require(pool.takeStream(.deflate, level: 5))
        #expect(pool.takeStream(.gzip, level: 5) == nil)
        #expect(pool.memory == 2 * DeflateStream.memory)
        pool.giveBack(first)
        #expect(pool.takeStream(.gzip, level: 5) === first)
        pool.giveBack(second)
    }

    @Test("Spare streams of another kind make room")
    func replacesSpares() throws {
        let pool = CompressionPool(memoryLimit: DeflateStream.memory)
        pool.giveBack(try #require(pool.takeStream(.gzip, level: 5)))
        let other = try #require(pool.takeStream(.gzip, level: 6))
        #expect(pool.memory == DeflateStream.memory)
        pool.giveBack(other)
    }

    @Test("Only a few spare streams are kept")
    func keepsFewSpares() throws {
        let pool = CompressionPool(memoryLimit: 100 * DeflateStream.memory)
        let streams = try (0..<20).map { _ in try #require(pool.takeStream(.gzip, level: 5)) }
        #expect(pool.memory == 20 * DeflateStream.memory)
        for stream in streams { pool.giveBack(stream) }
        #expect(pool.memory == 8 * DeflateStream.memory)
    }

    @Test("Without memory a whole body is not coded")
    func limitsWholeBodies() {
        let pool = CompressionPool(memoryLimit: 1000)
        let coded = sample(5000).withBytes { pool.codeWhole($0, .gzip, level: 5) != nil }
        #expect(!coded)
        #expect(pool.memory == 0)
    }
}
