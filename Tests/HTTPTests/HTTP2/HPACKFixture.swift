@testable import HTTP
import Memory

/// The bytes of a text of hexadecimal digits, in which spaces do not count.
func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// A field as a test compares it.
struct TestField: Equatable, CustomStringConvertible {
    var name: [UInt8]
    var value: [UInt8]
    var isNeverIndexed = false

    init(_ name: String, _ value: String, isNeverIndexed: Bool = false) {
        self.init(Array(name.utf8), Array(value.utf8), isNeverIndexed: isNeverIndexed)
    }

    init(_ name: [UInt8], _ value: [UInt8], isNeverIndexed: Bool = false) {
        self.name = name
        self.value = value
        self.isNeverIndexed = isNeverIndexed
    }

    var description: String {
        "\(String(decoding: name, as: UTF8.self)): \(String(decoding: value, as: UTF8.self))"
    }
}

extension FieldList {
    /// The fields decoded, each of which has its line in the text.
    func copied() -> [TestField] {
        var fields: [TestField] = []
        for index in 0..<count {
            let field = self[index]
            let line = Array(text[Int(field.name.start)..<field.value.range.upperBound + 2])
            let name = Array(text[field.name.range])
            let value = Array(text[field.value.range])
            precondition(line == name + Array(": ".utf8) + value + Array("\r\n".utf8), "not a field line")
            fields.append(TestField(name, value, isNeverIndexed: field.isNeverIndexed))
        }
        return fields
    }
}

extension HPACKDecoder {
    mutating func decode(_ block: [UInt8], into list: inout FieldList) throws(HTTP2Fault) {
        // An allocation of exactly the block's size lets AddressSanitizer see the first byte read beyond it.
        let copy = OwnedBytes(block)
        try decode(copy.view.bytes, into: &list)
    }

    /// Decodes one block with generous limits.
    mutating func fields(
        of block: [UInt8], limits: HeadLimits = HeadLimits()
    ) throws(HTTP2Fault) -> [TestField] {
        var list = FieldList(limits: limits)
        try decode(block, into: &list)
        return list.copied()
    }

    /// The dynamic table, the newest entry first.
    func copiedTable() -> [TestField] {
        (0..<tableCount).map { index in
            let entry = tableEntry(index)
            return TestField(entry.name, entry.value)
        }
    }
}

extension HPACKEncoder {
    mutating func block(of fields: [TestField]) -> [UInt8] {
        var output = OutputBuffer()
        beginBlock(to: &output)
        for field in fields {
            field.name.withBytes { name in
                field.value.withBytes { value in
                    encode(name, value, isSensitive: field.isNeverIndexed, to: &output)
                }
            }
        }
        return Array(output.unsent)
    }
}

/// Decodes one block with a new decoder; the fault it meets.
func fault(of block: [UInt8], limits: HeadLimits = HeadLimits()) -> HTTP2Fault? {
    var decoder = HPACKDecoder()
    do {
        _ = try decoder.fields(of: block, limits: limits)
        return nil
    } catch {
        return error
    }
}

/// Numbers that are the same in every run.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
