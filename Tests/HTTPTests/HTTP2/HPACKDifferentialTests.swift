import CNGHTTP2
import Testing

@testable import HTTP

/// Both directions against nghttp2: what one encodes the other decodes to the same fields, and both have the same
/// dynamic table afterwards; what one refuses the other refuses.
@Suite("Field compression compared with nghttp2")
struct HPACKDifferentialTests {
    /// Fields whose names and values repeat now and then, as those of requests do.
    private static func fields(_ random: inout TestRandom) -> [TestField] {
        let names = [
            ":method", ":path", ":scheme", ":authority", "cookie", "accept", "x-custom", "user-agent", "etag", "a",
            "content-length", "authorization", "x-a-rather-long-name-for-a-field", "www-authenticate",
        ]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in
            let name = names.randomElement(using: &random)!
            let value: [UInt8]
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                value = (0..<Int.random(in: 0...900, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            case 1: value = []
            case 2: value = bytes("GET")
            default: value = bytes("value \(Int.random(in: 0..<20, using: &random))")
            }
            return TestField(bytes(name), value, isNeverIndexed: Int.random(in: 0..<12, using: &random) == 0)
        }
    }

    @Test("nghttp2 decodes what we encode, tables resized now and then", arguments: 1...30)
    func encoding(seed: Int) throws {
        var random = TestRandom(seed: UInt64(seed))
        var encoder = HPACKEncoder(maximumTable: seed % 3 == 0 ? 700 : 4096)
        let inflater = unsafe try #require(CNGHTTP2_newInflater())
        defer { unsafe CNGHTTP2_deleteInflater(inflater) }
        for _ in 0..<200 {
            if Int.random(in: 0..<20, using: &random) == 0 {
                let size = [0, 40, 256, 4096, 10_000].randomElement(using: &random)!
                encoder.limitTable(to: size)
                unsafe CNGHTTP2_resizeInflater(inflater, size)
            }
            let fields = Self.fields(&random)
            let block = encoder.block(of: fields)
            let decoded = try #require(unsafe inflate(inflater, block))
            #expect(decoded.map { TestField($0.name, $0.value) } == fields.map { TestField($0.name, $0.value) })
            let sensitive = zip(decoded, fields).allSatisfy { $0.isNeverIndexed || !$1.isNeverIndexed }
            #expect(sensitive, "a field that must not be indexed may be")
            let table = unsafe list { unsafe CNGHTTP2_inflaterTable(inflater, $0, $1) }
            #expect(table?.count == encoder.tableCount)
        }
    }

    @Test("We decode what nghttp2 encodes, tables resized now and then", arguments: 1...30)
    func decoding(seed: Int) throws {
        var random = TestRandom(seed: UInt64(seed) + 100)
        var decoder = HPACKDecoder()
        let deflater = unsafe try #require(CNGHTTP2_newDeflater(4096))
        defer { unsafe CNGHTTP2_deleteDeflater(deflater) }
        for _ in 0..<200 {
            if Int.random(in: 0..<20, using: &random) == 0 {
                let size = [0, 40, 256, 4096].randomElement(using: &random)!
                unsafe CNGHTTP2_resizeDeflater(deflater, size)
            }
            let fields = Self.fields(&random)
            let block = unsafe try #require(deflate(deflater, fields))
            let decoded = try decoder.fields(of: block)
            #expect(decoded.map { TestField($0.name, $0.value) } == fields.map { TestField($0.name, $0.value) })
            let table = unsafe list { unsafe CNGHTTP2_deflaterTable(deflater, $0, $1) }
            #expect(table == decoder.copiedTable())
        }
    }

    /// nghttp2 has none.
    private static let noLimits = HeadLimits(maximumHead: 1 << 20, maximumRequestLine: 8192, maximumFields: 4096)

    @Test("A mutated or random block gets the same fields, table and verdict from both", arguments: 1...60)
    func mutations(seed: Int) throws {
        var random = TestRandom(seed: UInt64(seed) + 1000)
        var refused = 0
        for _ in 0..<60 {
            var decoder = HPACKDecoder()
            let inflater = unsafe try #require(CNGHTTP2_newInflater())
            let deflater = unsafe try #require(CNGHTTP2_newDeflater(4096))
            defer {
                unsafe CNGHTTP2_deleteInflater(inflater)
                unsafe CNGHTTP2_deleteDeflater(deflater)
            }
            for _ in 0..<6 {
                var block = unsafe try #require(deflate(deflater, Self.fields(&random)))
                mutate(&block, &random)
                let theirs = unsafe inflate(inflater, block)
                let ours = try? decoder.fields(of: block, limits: Self.noLimits)
                #expect((ours == nil) == (theirs == nil), "of \(block)")
                guard let ours, let theirs else {
                    refused += 1
                    break
                }
                #expect(ours == theirs)
                let table = unsafe list { unsafe CNGHTTP2_inflaterTable(inflater, $0, $1) }
                #expect(table == decoder.copiedTable())
            }
        }
        #expect(refused > 0)
    }

    private func mutate(_ block: inout [UInt8], _ random: inout TestRandom) {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: block = (0..<Int.random(in: 0...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }
        case 1: break
        case 2: block.removeLast(Int.random(in: 0...block.count, using: &random))
        default:
            for _ in 0..<Int.random(in: 1...3, using: &random) where !block.isEmpty {
                let place = Int.random(in: 0..<block.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: block[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: block.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: block[place] = UInt8.random(in: 0x80...0xFF, using: &random)
                }
            }
        }
    }

    // MARK: nghttp2

    private func inflate(_ inflater: CNGHTTP2_inflater, _ block: [UInt8]) -> [TestField]? {
        unsafe block.withUnsafeBufferPointer { block in
            unsafe list { unsafe CNGHTTP2_inflate(inflater, block.baseAddress, block.count, $0, $1) }
        }
    }

    private func deflate(_ deflater: CNGHTTP2_deflater, _ fields: [TestField]) -> [UInt8]? {
        var list: [UInt8] = []
        for field in fields {
            for count in [field.name.count, field.value.count] { list += [UInt8(count & 0xFF), UInt8(count >> 8)] }
            list += [field.isNeverIndexed ? 1 : 0] + field.name + field.value
        }
        var block = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe block.withUnsafeMutableBufferPointer { block in
            unsafe list.withUnsafeBufferPointer { list in
                unsafe CNGHTTP2_deflate(deflater, list.baseAddress, list.count, block.baseAddress, block.count)
            }
        }
        return count < 0 ? nil : Array(block[..<count])
    }

    /// The fields that `write` puts into the memory it is given; nil when it fails.
    private func list(_ write: (UnsafeMutablePointer<UInt8>?, Int) -> Int) -> [TestField]? {
        var list = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe list.withUnsafeMutableBufferPointer { unsafe write($0.baseAddress, $0.count) }
        guard count >= 0 else { return nil }
        var fields: [TestField] = []
        var at = 0
        while at < count {
            let name = Int(list[at]) | Int(list[at + 1]) << 8
            let value = Int(list[at + 2]) | Int(list[at + 3]) << 8
            let start = at + 5
            fields.append(
                TestField(
                    Array(list[start..<start + name]), Array(list[start + name..<start + name + value]),
                    isNeverIndexed: list[at + 4] == 1))
            at = start + name + value
        }
        return fields
    }
}
