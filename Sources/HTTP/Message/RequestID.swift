import Memory

/// The identifier of a request in logs, for extensions, and for upstream servers.
package enum RequestID: Equatable, Sendable {
    /// 128 random bits, written as 32 hexadecimal digits.
    case made(high: UInt64, low: UInt64)
    /// An identifier from the client: visible characters that need no escaping anywhere.
    case given([UInt8])

    /// The maximum length, in bytes, of an identifier accepted from a client.
    package static let maximumBytes = 128

    /// Accepts an identifier from a client; nil for anything but 1 to 128 letters, digits and `-_.~+/=:@`.
    package init?(_ value: RawSpan) {
        guard (1...Self.maximumBytes).contains(value.byteCount) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.byteCount)
        for index in 0..<value.byteCount {
            let byte = value.byte(at: index)
            guard Self.isPlain(byte) else { return nil }
            bytes.append(byte)
        }
        self = .given(bytes)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ":"),
            UInt8(ascii: "@"):
            true
        default: false
        }
    }

    /// Appends the identifier as text.
    package func append(to output: inout OutputBuffer) {
        switch self {
        case .given(let bytes): bytes.withBytes { output.append($0) }
        case .made(let high, let low):
            output.append(upTo: 32) { text in
                Self.writeDigits(high, low, to: text)
                return 32
            }
        }
    }

    /// Calls `body` with the identifier as text.
    package func withBytes<Result>(_ body: (ByteView) -> Result) -> Result {
        switch self {
        case .given(let bytes): return bytes.withBytes { body($0) }
        case .made(let high, let low):
            return withTemporaryBytes(32) { text in
                Self.writeDigits(high, low, to: text)
                return body(ByteView(text))
            }
        }
    }

    private static func writeDigits(_ high: UInt64, _ low: UInt64, to text: MutableByteView) {
        HexDigits.write(high, to: text)
        HexDigits.write(low, to: text[16...])
    }

    package var text: String {
        withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
