import HTTP
import Memory

/// The options in the Connection fields of one message (RFC 9110 §7.6.1).
///
/// A field that Connection names is for the next hop only and is not forwarded, unless the gateway itself or security
/// depends on it: a client must not be able to remove `Host` or `X-Forwarded-For`.
@safe
struct ConnectionFields {
    private let message: RawSpanSource
    private let fields: TableView<FieldSlice>
    /// Whether Connection names a field, which is rare.
    private let namesFields: Bool
    /// Whether Connection has the option `upgrade`.
    let asksForUpgrade: Bool

    /// The bytes that the slices of a message refer to.
    @safe
    struct RawSpanSource {
        let bytes: ByteView

        init(_ bytes: ByteView) { self.bytes = bytes }
    }

    init(_ message: ByteView, _ fields: TableView<FieldSlice>) {
        self.message = RawSpanSource(message)
        self.fields = fields
        let span = message.bytes
        var namesFields = false
        var asksForUpgrade = false
        for index in 0..<fields.count {
            guard case .connection = fields[index].known else { continue }
            let value = fields[index].value
            // Nearly all of them have only this value.
            if value.count == 10, span.equals("keep-alive", from: value.first, to: value.end) { continue }
            span.forEachElement(from: value.first, to: value.end) { start, end in
                if start == end || span.equals("close", from: start, to: end)
                    || span.equals("keep-alive", from: start, to: end)
                {
                    return
                }
                if span.equals("upgrade", from: start, to: end) {
                    asksForUpgrade = true
                } else {
                    namesFields = true
                }
            }
        }
        self.namesFields = namesFields
        self.asksForUpgrade = asksForUpgrade
    }

    /// Whether a field concerns this connection only.
    @inline(__always)
    func isHopByHop(_ field: FieldSlice) -> Bool {
        switch field.known {
        case .connection, .transferEncoding, .contentLength: return true
        case .host, .expect, .contentType: return false
        case .other: break
        }
        let span = message.bytes.bytes
        let name = field.name
        let (start, end) = (name.first, name.end)
        let isHop =
            switch name.count {
            case 2: span.equals("te", from: start, to: end)
            case 7: span.equals("upgrade", from: start, to: end)
            case 10: span.equals("keep-alive", from: start, to: end)
            case 14: span.equals("http2-settings", from: start, to: end)
            case 16: span.equals("proxy-connection", from: start, to: end)
            case 18: span.equals("proxy-authenticate", from: start, to: end)
            case 19: span.equals("proxy-authorization", from: start, to: end)
            default: false
            }
        return isHop || namesFields && isNamed(span, start, end)
    }

    private func isNamed(_ span: RawSpan, _ start: Int, _ end: Int) -> Bool {
        guard !Self.isProtected(span, start, end) else { return false }
        var isNamed = false
        for index in 0..<fields.count where fields[index].known == .connection {
            let value = fields[index].value
            span.forEachElement(from: value.first, to: value.end) { first, last in
                guard last - first == end - start else { return }
                for offset in 0..<last - first
                where lowercase(span.byte(at: first + offset)) != lowercase(span.byte(at: start + offset)) { return }
                isNamed = true
            }
        }
        return isNamed
    }

    private static func isProtected(_ span: RawSpan, _ start: Int, _ end: Int) -> Bool {
        func isNamed(_ text: StaticString) -> Bool { span.equals(text, from: start, to: end) }
        return span.hasPrefix("x-forwarded-", from: start, to: end) || isNamed("forwarded") || isNamed("via")
            || isNamed("x-real-ip") || isNamed("x-request-id") || isNamed("authorization") || isNamed("cookie")
            || isNamed("set-cookie") || isNamed("www-authenticate") || isNamed("origin") || isNamed("content-encoding")
            || isNamed("content-range") || isNamed("content-security-policy") || isNamed("strict-transport-security")
            || isNamed("cache-control") || isNamed("vary") || isNamed("location")
            || span.hasPrefix("sec-", from: start, to: end)
            || span.hasPrefix("access-control-", from: start, to: end)
    }
}

// Repeated here although the module of the slices has them too: from there they would be calls, several for each field.
extension Slice {
    @inline(__always)
    var first: Int { Int(start) }
    @inline(__always)
    var end: Int { Int(start) + Int(count) }
}

@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
