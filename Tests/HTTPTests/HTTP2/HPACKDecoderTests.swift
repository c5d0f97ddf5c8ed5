import Testing

@testable import HTTP

@Suite("Decoding of field blocks")
struct HPACKDecoderTests {
    static let faults: [(String, HTTP2Fault)] = [
        ("80", .invalidIndex), ("be", .invalidIndex), ("ff00", .invalidIndex), ("7f00 0161", .invalidIndex),
        ("0f2f 0161", .invalidIndex), ("1f2f 0161", .invalidIndex),
        // 2^32 + 2, which is not 2.
        ("ff83 ffff ff0f", .integerOverflow), ("ff83 ffff ff8f 00", .integerOverflow),
        ("ffff ffff ff7f", .integerOverflow), ("ff80 8080 8080 00", .integerOverflow),
        ("ff80 8080 8001", .invalidIndex), ("ff", .truncatedFieldBlock), ("ff80", .truncatedFieldBlock),
        ("40", .truncatedFieldBlock), ("4001", .truncatedFieldBlock), ("4001 61", .truncatedFieldBlock),
        ("4001 6101", .truncatedFieldBlock), ("4001 6182 ff", .truncatedFieldBlock),
        // Strings as long as 2^32 - 1, and as 2^32.
        ("407f 80ff ffff 0f61", .truncatedFieldBlock), ("407f 81ff ffff 0f61", .integerOverflow),
        ("823f e11f", .misplacedSizeUpdate), ("8220", .misplacedSizeUpdate),
        ("3fe2 1f", .sizeUpdateTooLarge), ("3fff ffff ff0f", .integerOverflow),
        // Huffman code: EOS, padding of zeros, of eight ones, a whole octet of padding, EOS within.
        ("0084 ffff fffc 00", .invalidHuffmanCode), ("0081 1800", .invalidHuffmanCode),
        ("0081 ff00", .invalidHuffmanCode),
        ("0082 1fff 00", .invalidHuffmanCode), ("0084 ffff ffff 00", .invalidHuffmanCode),
        ("0001 6185 07ff ffff ff", .invalidHuffmanCode),
    ]

    @Test("A malformed block is refused for what is wrong with it", arguments: faults)
    func refused(block: String, expected: HTTP2Fault) {
        #expect(fault(of: hexadecimal(block)) == expected)
        #expect(expected.code == .compressionError && !expected.isStreamError)
    }

    @Test("Strings may be empty, in either form, and padded with up to seven ones")
    func emptyStrings() throws {
        var decoder = HPACKDecoder()
        #expect(try decoder.fields(of: hexadecimal("0001 6100")) == [TestField("a", "")])
        #expect(try decoder.fields(of: hexadecimal("0001 6180")) == [TestField("a", "")])
        #expect(try decoder.fields(of: hexadecimal("0081 1f00")) == [TestField("a", "")])
        #expect(try decoder.fields(of: hexadecimal("")) == [])
    }

    @Test("A name in the dynamic table may be referred to by the entry that evicts it")
    func evictsItsOwnName() throws {
        var decoder = HPACKDecoder(maximumTable: 40)
        _ = try decoder.fields(of: [0x40, 3] + Array("abc".utf8) + [2] + Array("de".utf8))
        #expect(decoder.copiedTable() == [TestField("abc", "de")])
        #expect(try decoder.fields(of: [0x7E, 4] + Array("wxyz".utf8)) == [TestField("abc", "wxyz")])
        #expect(decoder.copiedTable() == [TestField("abc", "wxyz")])
    }

    @Test("An entry larger than the table empties it and is still decoded")
    func largerThanTheTable() throws {
        var decoder = HPACKDecoder(maximumTable: 64)
        _ = try decoder.fields(of: [0x40, 1, 0x61, 1, 0x62])
        #expect(decoder.tableCount == 1)
        let value = [UInt8](repeating: 0x63, count: 60)
        #expect(try decoder.fields(of: [0x40, 1, 0x61, 60] + value) == [TestField(bytes("a"), value)])
        #expect(decoder.tableCount == 0 && decoder.tableSize == 0)
    }

    @Test("A table is resized by the peer, within what the settings allow")
    func resized() throws {
        var decoder = HPACKDecoder(maximumTable: 200)
        for name in ["a", "b", "c", "d"] { _ = try decoder.fields(of: [0x40, 1, name.utf8.first!, 0]) }
        #expect(decoder.tableCount == 4)
        // To 70, which has room for two.
        #expect(try decoder.fields(of: hexadecimal("3f27 be")) == [TestField("d", "")])
        #expect(decoder.copiedTable() == [TestField("d", ""), TestField("c", "")])
        // To 0 and back to 200.
        #expect(try decoder.fields(of: hexadecimal("203f a901")) == [])
        #expect(decoder.tableCount == 0)
        #expect(throws: HTTP2Fault.invalidIndex) { try decoder.fields(of: [0xBE]) }
    }

    @Test("A peer whose table was made smaller by the settings has to say so first")
    func owesSizeUpdate() throws {
        var decoder = HPACKDecoder()
        _ = try decoder.fields(of: [0x40, 1, 0x61, 0])
        decoder.limitTable(to: 100)
        #expect(throws: HTTP2Fault.missingSizeUpdate) { try decoder.fields(of: [0x82]) }
        decoder.limitTable(to: 100)
        #expect(throws: HTTP2Fault.sizeUpdateTooLarge) { try decoder.fields(of: hexadecimal("3f46 82")) }
        #expect(try decoder.fields(of: hexadecimal("3f45 82")) == [TestField(":method", "GET")])
        #expect(try decoder.fields(of: [0x82, 0xBE]) == [TestField(":method", "GET"), TestField("a", "")])
    }

    @Test("Fields are charged before they are decoded, and the table stays right when no more are kept")
    func limits() throws {
        var decoder = HPACKDecoder()
        var list = FieldList(limits: HeadLimits(maximumHead: 200, maximumFields: 3))
        try decoder.decode([0x82, 0x82, 0x82], into: &list)
        #expect(list.excess == nil && list.count == 3)
        try decoder.decode([0x82, 0x82, 0x82, 0x40, 1, 0x61, 1, 0x62, 0x82], into: &list)
        #expect(list.excess == .tooManyFields && list.count == 3)
        #expect(decoder.copiedTable() == [TestField("a", "b")])
        // 42 bytes each for three, and 34 for the fourth.
        list = FieldList(limits: HeadLimits(maximumHead: 126, maximumFields: 9))
        try decoder.decode([0x82, 0x82, 0x82], into: &list)
        #expect(list.excess == nil)
        try decoder.decode([0x82, 0x82, 0x82, 0xBE], into: &list)
        #expect(list.excess == .headTooLarge && list.count == 3)
        try decoder.decode([0x40, 1, 0x63, 0x7F, 0x80, 0x01] + [UInt8](repeating: 0x64, count: 255), into: &list)
        #expect(list.excess == .headTooLarge && list.count == 0)
        #expect(decoder.tableCount == 2)
        try decoder.decode([0xBE], into: &list)
        #expect(list.excess == .headTooLarge)
        try decoder.decode([0xBF], into: &list)
        #expect(list.excess == nil && list.copied() == [TestField("a", "b")])
    }

    @Test("Ten thousand references to one large entry cost no memory and are refused")
    func bomb() throws {
        var decoder = HPACKDecoder()
        var list = FieldList(limits: HeadLimits())
        let seed = [0x40, 1, 0x61, 0x7F, 0xA1, 0x1E] + [UInt8](repeating: 0x62, count: 4000)
        let block = seed + [UInt8](repeating: 0xBE, count: 10_000)
        try decoder.decode(block, into: &list)
        #expect(list.excess == .headTooLarge && list.count == 16 && list.filled <= 64 << 10)
    }

    @Test("A value longer than all room is stepped over, and so is what it would have evicted")
    func oversized() throws {
        var decoder = HPACKDecoder()
        _ = try decoder.fields(of: [0x40, 1, 0x61, 0])
        var list = FieldList(limits: HeadLimits(maximumHead: 256), longestEntry: 4096)
        let count = 10_000
        // 10,000 is 127 + 9873.
        let length: [UInt8] = [0x7F, 0x80 | UInt8(9873 & 0x7F), UInt8(9873 >> 7)]
        try decoder.decode([0x40, 1, 0x61] + length + [UInt8](repeating: 0x61, count: count) + [0x82], into: &list)
        #expect(list.excess == .headTooLarge && decoder.tableCount == 0)
        try decoder.decode([0x40] + length + [UInt8](repeating: 0x61, count: count) + [0, 0x82], into: &list)
        #expect(list.excess == .headTooLarge && decoder.tableCount == 0)
    }

    static let names: [(String, FieldName, FieldFault)] = [
        (":method", .method, .none), (":path", .path, .none), (":scheme", .scheme, .none), (":status", .status, .none),
        (":authority", .authority, .none), (":protocol", .unknownPseudo, .none), (":", .unknownPseudo, .invalidName),
        ("host", .host, .none), ("cookie", .cookie, .none), ("content-length", .contentLength, .none),
        ("te", .te, .none),
        ("connection", .connectionSpecific, .none), ("keep-alive", .connectionSpecific, .none),
        ("proxy-connection", .connectionSpecific, .none), ("upgrade", .connectionSpecific, .none),
        ("transfer-encoding", .connectionSpecific, .none), ("expect", .expect, .none), ("priority", .priority, .none),
        ("content-type", .contentType, .none), ("x-any_thing.1", .other, .none), ("Host", .host, .capitalInName),
        ("x-a-name-of-some-lengtH", .other, .capitalInName), ("", .other, .emptyName), ("a b", .other, .invalidName),
        ("a:b", .other, .invalidName), ("\u{E9}", .other, .invalidName), ("a\0", .other, .invalidName),
        ("::path", .unknownPseudo, .invalidName),
    ]

    @Test("A name is recognized and judged, as a literal and from the table", arguments: names)
    func name(text: String, meaning: FieldName, expected: FieldFault) throws {
        var decoder = HPACKDecoder()
        var list = FieldList(limits: HeadLimits())
        let name = Array(text.utf8)
        try decoder.decode([0x40, UInt8(name.count)] + name + [0, 0xBE, 0x7E, 0], into: &list)
        #expect(list.count == 3)
        for index in 0..<3 {
            #expect(list[index].meaning == meaning)
            #expect(list[index].nameFault == expected && list[index].valueFault == .none)
        }
    }

    static let values: [(String, FieldFault)] = [
        ("", .none), ("a", .none), ("a b\tc", .none), ("\u{E9}", .none), (" a", .blankAroundValue),
        ("a ", .blankAroundValue), ("\ta", .blankAroundValue), ("a\t", .blankAroundValue), ("a\r\nb", .invalidValue),
        ("a\0b", .invalidValue), ("a\nb", .invalidValue), ("0123456789012345678\u{7F}9", .invalidValue),
        ("\r", .invalidValue),
    ]

    @Test("A value is judged, as a literal and from the table", arguments: values)
    func value(text: String, expected: FieldFault) throws {
        var decoder = HPACKDecoder()
        var list = FieldList(limits: HeadLimits())
        let value = Array(text.utf8)
        try decoder.decode([0x40, 1, 0x61, UInt8(value.count)] + value + [0xBE], into: &list)
        #expect(list[0].valueFault == expected && list[1].valueFault == expected)
    }
}
