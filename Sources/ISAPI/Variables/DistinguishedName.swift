/// A distinguished name as text (RFC 2253), parsed as far as server variables need it.
struct DistinguishedName {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    /// The value of the first attribute of this type, without its escapes; nil if there is none.
    ///
    /// - Parameter types: names of one type, in upper case.
    func value(of types: [String]) -> String? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let type = rest.prefix { $0 != Self.equals }
            rest = rest.dropFirst(type.count + 1)
            let value = Self.takeValue(&rest)
            if types.contains(String(decoding: type, as: UTF8.self).uppercased()) {
                return String(decoding: value, as: UTF8.self)
            }
        }
        return nil
    }

    private static let equals = UInt8(ascii: "=")

    /// Takes what comes before the next separator, and the separator.
    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "+"): return value
            case UInt8(ascii: "\\"): takeEscape(&rest, into: &value)
            default: value.append(byte)
            }
        }
        return value
    }

    /// Two hexadecimal digits are a byte, any other character is itself.
    private static func takeEscape(_ rest: inout ArraySlice<UInt8>, into value: inout [UInt8]) {
        let digits = rest.prefix(2)
        if digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
            value.append(byte)
            rest = rest.dropFirst(2)
        } else if let byte = rest.popFirst() {
            value.append(byte)
        }
    }
}
