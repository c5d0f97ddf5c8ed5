import HTTP

/// The content coding of a precompressed variant, a file beside the original (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
package enum PrecompressedCoding: String, Sendable, CaseIterable {
    case brotli = "br"
    case zstandard = "zst"
    case gzip = "gz"

    /// The suffix that is added to the file's name.
    var ending: String { "." + rawValue }

    /// The name of the coding on the wire.
    var token: StaticString {
        switch self {
        case .brotli: "br"
        case .zstandard: "zstd"
        case .gzip: "gzip"
        }
    }

    /// Whether the value of an Accept-Encoding field accepts this coding, by its name or by `*` (RFC 9110 §12.5.3).
    ///
    /// A malformed list accepts none: the uncoded file is always acceptable.
    func isAccepted(by list: RawSpan) -> Bool {
        var named: Bool?
        var any = false
        var start = 0
        while start <= list.byteCount {
            var end = start
            while end < list.byteCount, list.byte(at: end) != UInt8(ascii: ",") { end += 1 }
            let element = list.extracting(trimmed(list, start..<end))
            start = end + 1
            if element.byteCount == 0 { continue }
            guard let isWanted = isWanted(element) else { return false }
            let name = element.extracting(0..<nameLength(element))
            if name.isName(token) {
                named = isWanted
            } else if name.isName("*") {
                any = isWanted
            }
        }
        return named ?? any
    }

    private func nameLength(_ element: RawSpan) -> Int {
        var length = 0
        while length < element.byteCount, element.byte(at: length) > 0x20, element.byte(at: length) != UInt8(ascii: ";")
        {
            length += 1
        }
        return length
    }

    /// Whether the weight of an element is more than 0; nil when it is malformed (RFC 9110 §12.4.2).
    private func isWanted(_ element: RawSpan) -> Bool? {
        var next = nameLength(element)
        guard next > 0 else { return nil }
        func skipBlanks() { while next < element.byteCount, element.byte(at: next) <= 0x20 { next += 1 } }
        skipBlanks()
        if next == element.byteCount { return true }
        guard element.byte(at: next) == UInt8(ascii: ";") else { return nil }
        next += 1
        skipBlanks()
        let weight = element.extracting(next..<element.byteCount)
        guard (3...7).contains(weight.byteCount), weight.extracting(0..<2).isName("q=") else { return nil }
        let first = weight.byte(at: 2)
        guard first == 0x30 || first == 0x31, weight.byteCount == 3 || weight.byte(at: 3) == UInt8(ascii: ".") else {
            return nil
        }
        var sum = first - 0x30
        for index in 4..<max(4, weight.byteCount) {
            let digit = weight.byte(at: index) &- 0x30
            guard digit < 10, first == 0x30 || digit == 0 else { return nil }
            sum += digit
        }
        return sum > 0
    }

    private func trimmed(_ text: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, text.byte(at: start) <= 0x20 { start += 1 }
        while end > start, text.byte(at: end - 1) <= 0x20 { end -= 1 }
        return start..<end
    }
}
