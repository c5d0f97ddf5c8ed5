import Testing

@testable import HTTP

@Suite("Encoding of field blocks")
struct HPACKEncoderTests {
    static let fields = [
        TestField("Server", "Isagate"), TestField("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        TestField("content-type", "text/plain"), TestField("Content-Length", "13"),
        TestField("x-long-custom-name", "some value"),
    ]

    @Test("A field sent for the second time becomes an entry, and one octet from then on")
    func secondTime() throws {
        var encoder = HPACKEncoder()
        var decoder = HPACKDecoder()
        var blocks: [[UInt8]] = []
        for _ in 0..<3 {
            let block = encoder.block(of: Self.fields)
            let expected = Self.fields.map {
                TestField(
                    String(decoding: $0.name, as: UTF8.self).lowercased(), String(decoding: $0.value, as: UTF8.self))
            }
            #expect(try decoder.fields(of: block) == expected)
            blocks.append(block)
        }
        #expect(decoder.tableCount == 5)
        #expect(blocks[2] == [0xC2, 0xC1, 0xC0, 0xBF, 0xBE])
    }

    @Test("After a pause without memory, the fields are learned anew; the peer's table follows")
    func trim() throws {
        var encoder = HPACKEncoder()
        var decoder = HPACKDecoder()
        let expected = Self.fields.map {
            TestField(String(decoding: $0.name, as: UTF8.self).lowercased(), String(decoding: $0.value, as: UTF8.self))
        }
        for _ in 0..<3 {
            for _ in 0..<4 {
                #expect(try decoder.fields(of: encoder.block(of: Self.fields)) == expected)
                decoder.trim()
            }
            #expect(decoder.tableCount == 5)
            encoder.trim()
            #expect(encoder.tableCount == 0)
            let block = encoder.block(of: Self.fields)
            // Size updates to 0 and back.
            #expect(block.prefix(4) == [0x20, 0x3F, 0xE1, 0x1F])
            #expect(try decoder.fields(of: block) == expected)
            #expect(decoder.tableCount == 0)
        }
    }

    @Test("Fields that no two responses share never enter the table")
    func changingFields() {
        var encoder = HPACKEncoder()
        for number in 0..<1000 { _ = encoder.block(of: [TestField("etag", "\(number)")]) }
        #expect(encoder.tableCount == 0)
    }

    static let secrets = [
        TestField("authorization", "Basic YTpi"), TestField("Set-Cookie", "id=0123456789012345678901234567890"),
        TestField("proxy-authorization", "Basic YTpi"), TestField("cookie", "short=1"),
        TestField("x-token", "t", isNeverIndexed: true),
    ]

    @Test("Secrets and short cookies are never indexed, whoever passes them on", arguments: secrets)
    func secret(field: TestField) throws {
        var encoder = HPACKEncoder()
        var decoder = HPACKDecoder()
        for _ in 0..<3 {
            let decoded = try decoder.fields(of: encoder.block(of: [field]))
            #expect(decoded.count == 1 && decoded[0].isNeverIndexed && decoded[0].value == field.value)
        }
        #expect(decoder.tableCount == 0 && encoder.tableCount == 0)
    }

    @Test("A long cookie may be indexed")
    func longCookie() throws {
        var encoder = HPACKEncoder()
        let field = TestField("cookie", "session=0123456789abcdef")
        for _ in 0..<2 { _ = encoder.block(of: [field]) }
        #expect(encoder.block(of: [field]) == [0xBE])
    }

    @Test("The status is one octet where the static table has it, and three digits elsewhere")
    func status() throws {
        var decoder = HPACKDecoder()
        for status in [100, 103, 200, 204, 206, 304, 400, 404, 500, 503, 599] {
            var encoder = HPACKEncoder()
            var output = OutputBuffer()
            encoder.encode(status: status, to: &output)
            let block = Array(output.unsent)
            #expect(try decoder.fields(of: block) == [TestField(":status", "\(status)")])
            #expect((block.count == 1) == [200, 204, 206, 304, 400, 404, 500].contains(status))
        }
    }

    @Test("Values of every length come back, and those beyond the table's size are not put into it")
    func lengths() throws {
        var encoder = HPACKEncoder(maximumTable: 256)
        var decoder = HPACKDecoder(maximumTable: 4096)
        for count in Array(0..<300) + [1000, 1024, 1025, 5000, 40_000] {
            let field = TestField(bytes("name"), [UInt8](repeating: 0x7E, count: count))
            for _ in 0..<3 { #expect(try decoder.fields(of: encoder.block(of: [field])) == [field]) }
            #expect(encoder.tableSize <= 256 && decoder.tableSize == encoder.tableSize)
        }
    }

    @Test("The peer's settings change the table, and the next block says so: the smallest size first")
    func resized() throws {
        var encoder = HPACKEncoder()
        var decoder = HPACKDecoder()
        for _ in 0..<2 { _ = try decoder.fields(of: encoder.block(of: Self.fields)) }
        #expect(encoder.tableCount == 5)
        encoder.limitTable(to: 0)
        encoder.limitTable(to: 100)
        #expect(encoder.block(of: []) == hexadecimal("203f 45"))
        #expect(encoder.tableCount == 0)
        encoder.limitTable(to: 8192)
        #expect(encoder.block(of: []) == hexadecimal("3fe1 1f"))
        encoder.limitTable(to: 4096)
        #expect(encoder.block(of: []) == [])
    }

    @Test("A smaller table than the protocol's is told in the first block")
    func smallTable() throws {
        var encoder = HPACKEncoder(maximumTable: 1024)
        #expect(encoder.block(of: []) == hexadecimal("3fe1 07"))
        #expect(encoder.block(of: []) == [])
    }
}
