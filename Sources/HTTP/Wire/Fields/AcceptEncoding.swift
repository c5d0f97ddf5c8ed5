/// The content codings that a client accepts, and their weights (Accept-Encoding, RFC 9110 §12.5.3).
///
/// A malformed field is unreliable, so only identity is used for it.
package struct AcceptEncoding: BitwiseCopyable, Equatable, Sendable {
    /// In thousandths; the index is `ContentCoding.rawValue`.
    private var weights = SIMD4<UInt16>(repeating: unlisted)
    private var identity = unlisted
    /// The weight of `*`.
    private var others = unlisted
    private var isMalformed = false

    private static let unlisted = UInt16.max

    /// The value of a request without the field. Any coding would be allowed, but such a client may support none.
    package init() {}

    /// Adds the codings of one field line.
    package mutating func add(_ value: RawSpan) {
        if !takeList(value) { isMalformed = true }
    }

    /// In thousandths; 0 for a coding that the client does not accept.
    package func weight(of coding: ContentCoding) -> Int {
        if isMalformed { return 0 }
        let own = weights[Int(coding.rawValue)]
        if own != Self.unlisted { return Int(own) }
        return others == Self.unlisted ? 0 : Int(others)
    }

    /// The coding to use, nil for none: the one with the highest weight, and among equals the first of `offers`.
    package func best(of offers: [ContentCoding]) -> ContentCoding? {
        var best: ContentCoding?
        var bestWeight = 0
        for index in offers.indices where weight(of: offers[index]) > bestWeight {
            best = offers[index]
            bestWeight = weight(of: offers[index])
        }
        return identity != Self.unlisted && identity > bestWeight ? nil : best
    }

    private mutating func takeList(_ value: RawSpan) -> Bool {
        var next = 0
        while next < value.byteCount {
            let comma = value.first(ASCII.comma, from: next, to: value.byteCount)
            let member = value.trimmed(next, comma)
            if member.start < member.end, !takeMember(value, from: member.start, to: member.end) { return false }
            next = comma + 1
        }
        return true
    }

    private mutating func takeMember(_ value: RawSpan, from start: Int, to end: Int) -> Bool {
        let semicolon = value.first(ASCII.semicolon, from: start, to: end)
        let name = value.trimmed(start, semicolon)
        guard name.start < name.end, FieldSyntax.tokenEnd(value, from: name.start, to: name.end) == name.end else {
            return false
        }
        var weight: UInt16 = 1000
        if semicolon < end {
            let parameter = value.trimmed(semicolon + 1, end)
            guard let given = Self.weight(value, from: parameter.start, to: parameter.end) else { return false }
            weight = given
        }
        set(weight, value, from: name.start, to: name.end)
        return true
    }

    /// An unknown coding is ignored.
    private mutating func set(_ weight: UInt16, _ value: RawSpan, from start: Int, to end: Int) {
        switch end - start {
        case 1 where value.equals("*", from: start, to: end): others = weight
        case 2 where value.equals("br", from: start, to: end): self[.brotli] = weight
        // x-gzip is an alias of gzip (RFC 9110 §8.4.1.3).
        case 4 where value.equals("gzip", from: start, to: end), 6 where value.equals("x-gzip", from: start, to: end):
            self[.gzip] = weight
        case 4 where value.equals("zstd", from: start, to: end): self[.zstd] = weight
        case 7 where value.equals("deflate", from: start, to: end): self[.deflate] = weight
        case 8 where value.equals("identity", from: start, to: end): identity = weight
        default: break
        }
    }

    private subscript(coding: ContentCoding) -> UInt16 {
        get { weights[Int(coding.rawValue)] }
        set { weights[Int(coding.rawValue)] = newValue }
    }

    /// Parses `q=` and a number from 0 to 1 with up to three decimals (RFC 9110 §12.4.2), in thousandths.
    private static func weight(_ value: RawSpan, from start: Int, to end: Int) -> UInt16? {
        guard end - start >= 3, end - start <= 7, value.hasPrefix("q=", from: start, to: end) else { return nil }
        let whole = value.byte(at: start + 2)
        guard whole == 0x30 || whole == 0x31 else { return nil }
        var weight: UInt16 = whole == 0x31 ? 1000 : 0
        if end - start > 3 {
            guard value.byte(at: start + 3) == ASCII.dot else { return nil }
            var place: UInt16 = 100
            for offset in (start + 4)..<end {
                let digit = value.byte(at: offset)
                guard isDigit(digit) else { return nil }
                weight += UInt16(digit - 0x30) * place
                place /= 10
            }
        }
        return weight <= 1000 ? weight : nil
    }
}
