/// Writes the distinguished encoding of ASN.1 (X.690).
enum DER {
    /// The tags in use.
    enum Tag {
        static let boolean: UInt8 = 0x01
        static let integer: UInt8 = 0x02
        static let bitString: UInt8 = 0x03
        static let octetString: UInt8 = 0x04
        static let null: UInt8 = 0x05
        static let objectIdentifier: UInt8 = 0x06
        static let utf8String: UInt8 = 0x0C
        static let generalizedTime: UInt8 = 0x18
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31

        /// A constructed element of this context.
        static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }
        /// A primitive one.
        static func primitive(_ number: UInt8) -> UInt8 { 0x80 | number }
    }

    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 0x80 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }

    static func sequence(_ elements: [UInt8]...) -> [UInt8] { element(Tag.sequence, Array(elements.joined())) }
    static func sequence(of elements: [[UInt8]]) -> [UInt8] { element(Tag.sequence, Array(elements.joined())) }
    static func set(_ element: [UInt8]) -> [UInt8] { self.element(Tag.set, element) }

    /// - Parameter magnitude: the bytes of a number that is not negative, the most significant first.
    static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        var bytes = Array(magnitude.drop { $0 == 0 })
        if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
        return element(Tag.integer, bytes)
    }

    static func octets(_ bytes: [UInt8]) -> [UInt8] { element(Tag.octetString, bytes) }
    /// A string of whole bytes.
    static func bits(_ bytes: [UInt8]) -> [UInt8] { element(Tag.bitString, [0] + bytes) }
    static func text(_ text: String) -> [UInt8] { element(Tag.utf8String, Array(text.utf8)) }
    static let null = element(Tag.null, [])
    static let yes = element(Tag.boolean, [0xFF])

    static func identifier(_ parts: [UInt]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [parts[0] * 40 + parts[1]] + parts.dropFirst(2) {
            var groups = [UInt8(part & 0x7F)]
            var rest = part >> 7
            while rest > 0 {
                groups.insert(0x80 | UInt8(rest & 0x7F), at: 0)
                rest >>= 7
            }
            bytes += groups
        }
        return element(Tag.objectIdentifier, bytes)
    }
}

/// Reads it: one element after the other, each with its length checked.
struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Collection<UInt8>) {
        rest = Array(bytes)[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// The tag of the next element.
    var tag: UInt8? { rest.first }

    /// The content of the next element; nil, for good, if it is of another kind, or its length is not there or not that
    /// of the distinguished encoding.
    mutating func read(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard rest.first == tag else { return fail() }
        return readAny()
    }

    /// The content of the next element, whatever it is.
    mutating func readAny() -> ArraySlice<UInt8>? {
        guard rest.count >= 2, rest[rest.startIndex] & 0x1F != 0x1F else { return fail() }
        let first = rest[rest.startIndex + 1]
        var content = rest.dropFirst(2)
        var length = Int(first)
        if first >= 0x80 {
            let count = Int(first & 0x7F)
            guard (1...3).contains(count), content.count >= count else { return fail() }
            length = content.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80, length >> (8 * (count - 1)) > 0 else { return fail() }
            content = content.dropFirst(count)
        }
        guard content.count >= length else { return fail() }
        rest = content.dropFirst(length)
        return content.prefix(length)
    }

    private mutating func fail() -> ArraySlice<UInt8>? {
        rest = []
        return nil
    }
}
