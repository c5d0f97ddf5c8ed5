import HTTP
import Testing

@testable import Compression

@Suite("Decoding of request bodies")
struct BodyInflaterTests {
    private let pool = CompressionPool(memoryLimit: 64 << 20)

    @Test("A body is decoded at every split", arguments: [ContentCoding.gzip, .deflate])
    func decodes(_ coding: ContentCoding) throws {
        let content = sample(500)
        let coded = try code(content, coding)
        for split in 0...coded.count {
            #expect(try decode([Array(coded[..<split]), Array(coded[split...])], coding) == content)
        }
    }

    @Test("Members of a gzip file follow each other; nothing follows the deflate format")
    func decodesMembers() throws {
        let twice = try code(sample(100), .gzip) + code(sample(50), .gzip)
        #expect(try decode([twice], .gzip) == sample(100) + sample(50))
        let more = try code(sample(100), .deflate) + [0]
        #expect(throws: RequestRejection.invalidBodyCoding) { try decode([more], .deflate) }
    }

    @Test("What is cut off or damaged is refused")
    func refusesMalformed() throws {
        let coded = try code(sample(500), .gzip)
        #expect(throws: RequestRejection.invalidBodyCoding) { try decode([Array(coded.dropLast())], .gzip) }
        #expect(throws: RequestRejection.invalidBodyCoding) { try decode([coded + [0]], .gzip) }
        #expect(throws: RequestRejection.invalidBodyCoding) { try decode([sample(100)], .gzip) }
        #expect(throws: RequestRejection.invalidBodyCoding) { try decode([], .gzip) }
    }

    @Test("A body that becomes too large, or out of proportion, is refused")
    func limits() throws {
        let coded = try code([UInt8](repeating: 0, count: 3 << 20), .gzip)
        #expect(throws: RequestRejection.bodyExpandsTooMuch) { try decode([coded], .gzip) }
        #expect(throws: RequestRejection.bodyTooLarge) { try decode([coded], .gzip, size: 1 << 20) }
        #expect(try decode([coded], .gzip, ratio: 2000).count == 3 << 20)
    }

    @Test("Memory is counted, and given back")
    func countsMemory() throws {
        let small = CompressionPool(memoryLimit: BodyInflater.memory)
        let limits = InflationLimits(size: 1, ratio: 2)
        let inflater = try #require(small.takeInflater(.gzip, limits))
        #expect(small.takeInflater(.gzip, limits) == nil)
        inflater.release()
        #expect(small.memory == 0)
    }

    private func code(_ content: [UInt8], _ coding: ContentCoding) throws -> [UInt8] {
        try content.withBytes { bytes in
            Array(try #require(pool.codeWhole(bytes, coding, level: 6)))
        }
    }

    private func decode(
        _ pieces: [[UInt8]], _ coding: ContentCoding, size: UInt64 = 16 << 20, ratio: UInt64 = 100
    ) throws -> [UInt8] {
        let inflater = try #require(pool.takeInflater(coding, InflationLimits(size: size, ratio: ratio)))
        defer { inflater.release() }
        var content: [UInt8] = []
        for piece in pieces {
            try piece.withBytes { bytes in
                inflater.supply(bytes)
                while let next = try inflater.next() { content.append(contentsOf: next) }
            }
        }
        try inflater.finish()
        return content
    }
}
