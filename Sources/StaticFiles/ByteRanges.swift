/// The parts of a file that a Range field requests (RFC 9110 §14.1.2, §14.2).
enum ByteRanges: Equatable {
    /// The whole file: the field has another unit, or invalid syntax.
    case whole
    /// At least one, in the requested order, none overlapping or adjacent to another.
    case parts([Range<UInt64>])
    /// No part that the file has.
    case unsatisfiable
    /// More parts than any client needs: an attack that causes much work with little effort.
    case excessive

    /// The maximum number of parts in a request.
    static let maximumCount = 16

    /// - Parameter size: of the file, in bytes.
    init(_ text: RawSpan, size: UInt64) {
        var reader = Reader(next: 0)
        guard reader.skipUnit(text) else {
            self = .whole
            return
        }
        var ranges: [Range<UInt64>] = []
        var count = 0
        while true {
            reader.skipBlanks(text)
            if !reader.isAt(",", text), !reader.isAtEnd(text) {
                guard let spec = reader.spec(text) else {
                    self = .whole
                    return
                }
                count += 1
                if count <= Self.maximumCount, let range = spec.range(in: size) { ranges.append(range) }
                reader.skipBlanks(text)
            }
            if reader.isAtEnd(text) { break }
            guard reader.skip(",", text) else {
                self = .whole
                return
            }
        }
        if count == 0 {
            self = .whole
        } else if count > Self.maximumCount {
            self = .excessive
        } else if size == 0 {
            // For an empty file, any part is the whole; this is what other servers do, and what clients expect that
            // send `bytes=0-`.
            self = .whole
        } else {
            self = ranges.isEmpty ? .unsatisfiable : .parts(Self.merged(ranges))
        }
    }

    /// In the requested order, with overlapping and adjacent ones merged, at the position of the first of them (RFC
    /// 9110 §15.3.7.2).
    private static func merged(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        for range in ranges {
            var range = range
            var place = result.count
            // The merged range may touch another one that the original did not touch.
            while let index = result.firstIndex(where: { touch($0, range) }) {
                let other = result.remove(at: index)
                range = min(range.lowerBound, other.lowerBound)..<max(range.upperBound, other.upperBound)
                place = min(place, index)
            }
            result.insert(range, at: min(place, result.count))
        }
        return result
    }

    private static func touch(_ first: Range<UInt64>, _ second: Range<UInt64>) -> Bool {
        first.lowerBound <= second.upperBound && second.lowerBound <= first.upperBound
    }

    /// One part as the client requests it.
    private enum Spec {
        case from(UInt64, through: UInt64?)
        case last(UInt64)

        func range(in size: UInt64) -> Range<UInt64>? {
            switch self {
            case .from(let first, let last):
                guard first < size else { return nil }
                return first..<min(last.map { $0 == .max ? $0 : $0 + 1 } ?? size, size)
            case .last(let count):
                guard count > 0, size > 0 else { return nil }
                return (size - min(count, size))..<size
            }
        }
    }

    private struct Reader {
        var next: Int

        func isAtEnd(_ text: RawSpan) -> Bool { next == text.byteCount }

        func isAt(_ character: Unicode.Scalar, _ text: RawSpan) -> Bool {
            next < text.byteCount && text.byte(at: next) == UInt8(ascii: character)
        }

        mutating func skip(_ character: Unicode.Scalar, _ text: RawSpan) -> Bool {
            guard isAt(character, text) else { return false }
            next += 1
            return true
        }

        mutating func skipBlanks(_ text: RawSpan) {
            while isAt(" ", text) || isAt("\t", text) { next += 1 }
        }

        mutating func skipUnit(_ text: RawSpan) -> Bool {
            guard text.byteCount > 6, text.extracting(0..<5).isName("bytes") else { return false }
            next = 5
            return skip("=", text)
        }

        mutating func spec(_ text: RawSpan) -> Spec? {
            if skip("-", text) { return number(text).map { .last($0) } }
            guard let first = number(text), skip("-", text) else { return nil }
            guard let last = number(text) else { return .from(first, through: nil) }
            return last >= first ? .from(first, through: last) : nil
        }

        /// Digits; a number that is too large for any file becomes the largest.
        private mutating func number(_ text: RawSpan) -> UInt64? {
            let start = next
            var value: UInt64 = 0
            while next < text.byteCount {
                let digit = text.byte(at: next) &- 0x30
                guard digit < 10 else { break }
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
                value = overflow || carry || value == .max ? .max : sum
                next += 1
            }
            return next > start ? value : nil
        }
    }
}
