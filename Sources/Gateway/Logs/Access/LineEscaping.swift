import HTTP
import Memory

/// How a value is written, so that nothing in it can end the value or the line.
enum LineEscaping: UInt8, BitwiseCopyable {
    /// Between quotation marks of a text: those, backslashes, and all but printable ASCII as `\xHH`, as nginx does.
    case quoted
    /// The same without quotation marks around it: also spaces.
    case bare
    /// A string of JSON, in ASCII.
    case json
    /// A field of the W3C extended format: `+` for white space and control characters, `%HH` beyond ASCII.
    case w3c
    /// The same in the first field, where `#` would begin a directive.
    case w3cFirst

    /// The first byte from `start` on that is not written as it is; the count if there is none.
    @inline(__always)
    func firstToEscape(in value: ByteView, from start: Int) -> Int {
        let (quote, backslash, hash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "#"))
        return switch self {
        case .quoted, .json: value.bytes.firstToEscape(from: start, lowest: 0x20, quote, backslash)
        case .bare: value.bytes.firstToEscape(from: start, lowest: 0x21, quote, backslash)
        case .w3c: value.bytes.firstToEscape(from: start, lowest: 0x21, 0x7F, 0x7F)
        case .w3cFirst: value.bytes.firstToEscape(from: start, lowest: 0x21, hash, hash)
        }
    }
}

extension OutputBuffer {
    /// Appends bytes of any kind, escaped.
    mutating func append(_ value: ByteView, as escaping: LineEscaping) {
        var start = 0
        while true {
            let index = escaping.firstToEscape(in: value, from: start)
            append(value[start..<index])
            guard index < value.count else { return }
            if escaping == .json, value[index] >= 0x80 { return appendJSONText(value[index...]) }
            appendEscape(of: value[index], escaping)
            start = index + 1
        }
    }

    mutating func append(_ value: String, as escaping: LineEscaping) {
        value.withBytes { append($0, as: escaping) }
    }

    @inline(never)
    private mutating func appendEscape(of byte: UInt8, _ escaping: LineEscaping) {
        switch escaping {
        case .quoted, .bare:
            append("\\x")
            appendHexadecimal(byte)
        case .w3c, .w3cFirst:
            if byte <= 0x20 || byte == 0x7F { return append(UInt8(ascii: "+")) }
            append(UInt8(ascii: "%"))
            appendHexadecimal(byte)
        case .json: appendJSONEscape(of: UInt16(byte))
        }
    }

    /// Text that is not ASCII, as UTF-16 in escapes; what is not UTF-8 becomes U+FFFD.
    @inline(never)
    private mutating func appendJSONText(_ value: ByteView) {
        for unit in String(decoding: value, as: UTF8.self).utf16 {
            if unit >= 0x20, unit < 0x7F, unit != 0x22, unit != 0x5C {
                append(UInt8(unit))
            } else {
                appendJSONEscape(of: unit)
            }
        }
    }

    private mutating func appendJSONEscape(of unit: UInt16) {
        append(UInt8(ascii: "\\"))
        if unit == 0x22 || unit == 0x5C { return append(UInt8(unit)) }
        append(UInt8(ascii: "u"))
        appendHexadecimal(UInt8(unit >> 8))
        appendHexadecimal(UInt8(truncatingIfNeeded: unit))
    }

    private mutating func appendHexadecimal(_ byte: UInt8) {
        for nibble in [byte >> 4, byte & 15] { append(nibble < 10 ? 48 + nibble : 55 + nibble) }
    }
}

extension [UInt8] {
    /// The same for lines that are rare.
    mutating func append(_ value: String, as escaping: LineEscaping) {
        var text = OutputBuffer()
        text.append(value, as: escaping)
        append(contentsOf: text.unsent)
    }
}
