import Glibc
import HTTP
import Memory

/// Parsing of protocol text, which is ASCII and compared without regard to case.
extension Span<UInt8> {
    /// Whether this begins with `text`, which is lower case.
    func hasPrefix(_ text: StaticString) -> Bool {
        rawBytes.hasPrefix(text, from: 0, to: count)
    }

    /// Whether this is the beginning of `text`, or begins with it; `text` is lower case.
    func mayBegin(_ text: StaticString) -> Bool {
        for index in 0..<Swift.min(count, text.utf8CodeUnitCount) {
            if lowercase(self[index]) != ByteView(text)[index] { return false }
        }
        return true
    }

    /// Whether this is `text`, which is lower case.
    func isSame(as text: StaticString) -> Bool {
        rawBytes.equals(text, from: 0, to: count)
    }

    func firstIndex(of byte: UInt8) -> Int? {
        withBytes { $0.firstIndex(of: byte) }
    }

    /// `range` without white space at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isWhiteSpace(self[start]) { start += 1 }
        while end > start, isWhiteSpace(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// All but CR and LF at the end.
    var withoutLineEnd: Range<Int> {
        var end = count
        while end > 0, self[end - 1] == UInt8(ascii: "\r") || self[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        return 0..<end
    }

    /// The number these digits are; nil for anything else, and beyond 64 bits.
    var decimal: UInt64? {
        guard count > 0 else { return nil }
        var value: UInt64 = 0
        for index in 0..<count {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = self[index] else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(self[index] - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// Whether the comma-separated list has this member (RFC 9110 §5.6.1).
    func containsListMember(_ member: StaticString) -> Bool {
        var start = 0
        while start < count {
            var end = start
            while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
            if extracting(trimmed(start..<end)).isSame(as: member) { return true }
            start = end + 1
        }
        return false
    }
}

extension ByteView {
    /// The same bytes with checked access, valid as long as they are not moved.
    @inline(__always)
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(span)
    }
}

func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

func uppercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte & 0xDF : byte
}

/// The value of a decimal digit.
func digit(_ byte: UInt8) -> Int? {
    let value = byte &- UInt8(ascii: "0")
    return value < 10 ? Int(value) : nil
}

func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
}
