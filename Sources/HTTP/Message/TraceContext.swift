import Memory

/// The place of a request in a trace of several programs (W3C Trace Context).
package struct TraceContext: Equatable, Sendable {
    package let traceHigh: UInt64
    package let traceLow: UInt64
    /// The gateway's own step, which is the parent of what servers and extensions do.
    package let span: UInt64
    package let flags: Flags
    /// Whether the client's `tracestate` belongs to it.
    package let keepsState: Bool

    package struct Flags: OptionSet, Equatable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Somebody records this trace, and asks others to.
        package static let sampled = Flags(rawValue: 1)
        /// The trace's identifier is random (W3C Trace Context Level 2).
        package static let random = Flags(rawValue: 2)
    }

    package static let parentField: StaticString = "traceparent"
    package static let stateField: StaticString = "tracestate"

    /// A trace that begins with this request. No identifier may be zero.
    package init(beginning trace: (high: UInt64, low: UInt64), span: UInt64, isSampled: Bool) {
        (traceHigh, traceLow) = trace.high | trace.low == 0 ? (0, 1) : trace
        self.span = max(1, span)
        flags = isSampled ? [.sampled, .random] : .random
        keepsState = false
    }

    /// The next step of the trace that a client's `traceparent` names; nil for a malformed value, which begins a new
    /// trace (§3.2.2).
    ///
    /// Of a version later than 00 the parts that 00 knows are read (§3.2.2.1).
    package init?(continuing value: RawSpan, span: UInt64) {
        let count = value.byteCount
        guard count >= Self.textCount, let version = Self.number(value, 0..<2), version != 0xFF,
            count == Self.textCount || version > 0 && value.byte(at: Self.textCount) == Self.dash,
            [2, 35, 52].allSatisfy({ value.byte(at: $0) == Self.dash }),
            let high = Self.number(value, 3..<19), let low = Self.number(value, 19..<35), high | low != 0,
            let parent = Self.number(value, 36..<52), parent != 0,
            let flags = Self.number(value, 53..<55)
        else { return nil }
        (traceHigh, traceLow) = (high, low)
        self.span = max(1, span)
        self.flags = Flags(rawValue: UInt8(flags)).intersection([.sampled, .random])
        keepsState = true
    }

    /// The length of a `traceparent` of version 00.
    package static let textCount = 55
    private static let dash = UInt8(ascii: "-")

    /// Digits are in lower case.
    private static func number(_ value: RawSpan, _ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in range {
            let byte = value.byte(at: index)
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    // MARK: Text

    /// Calls `body` with the value of `traceparent` for servers and extensions.
    package func withParentText<Result>(_ body: (ByteView) -> Result) -> Result {
        withTemporaryBytes(Self.textCount) { text in
            for index in [2, 35, 52] { text[index] = Self.dash }
            HexDigits.write(UInt8(0), to: text)
            HexDigits.write(traceHigh, to: text[3...])
            HexDigits.write(traceLow, to: text[19...])
            HexDigits.write(span, to: text[36...])
            HexDigits.write(flags.rawValue, to: text[53...])
            return body(ByteView(text))
        }
    }

    /// Calls `body` with the identifier of the trace.
    package func withTraceText<Result>(_ body: (ByteView) -> Result) -> Result {
        withTemporaryBytes(32) { text in
            HexDigits.write(traceHigh, to: text)
            HexDigits.write(traceLow, to: text[16...])
            return body(ByteView(text))
        }
    }

    package func withSpanText<Result>(_ body: (ByteView) -> Result) -> Result {
        withTemporaryBytes(16) { text in
            HexDigits.write(span, to: text)
            return body(ByteView(text))
        }
    }

    package var traceText: String { withTraceText { String(decoding: $0, as: UTF8.self) } }
}
