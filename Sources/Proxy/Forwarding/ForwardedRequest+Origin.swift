import HTTP
import Transport

// The fields that describe a request's origin to the server.
extension ForwardedRequest {
    /// Fields that the gateway writes itself, or forwards for a trusted proxy.
    struct OwnFields: OptionSet {
        let rawValue: UInt8

        /// X-Forwarded-For, X-Real-IP and Forwarded, which the gateway always writes.
        static let origin = OwnFields(rawValue: 2)
        static let scheme = OwnFields(rawValue: 4)
        static let host = OwnFields(rawValue: 8)
        static let port = OwnFields(rawValue: 16)
        /// Any other X-Forwarded field.
        static let other = OwnFields(rawValue: 32)
    }

    /// X-Forwarded-*, X-Real-IP, Forwarded (RFC 7239) and Via (RFC 9110 §7.6.3).
    ///
    /// The value of a trusted proxy comes first in the field that it uses; values of other clients are left out.
    ///
    /// - Parameter given: fields of the request that already contain a part of it.
    func appendOrigin(to output: inout OutputBuffer, given: OwnFields) {
        if exchange.appendKeptOrigin(to: &output) { return }
        let start = output.count
        appendNewOrigin(to: &output, given: given)
        // A request that becomes a tunnel is the last of its connection.
        if upgrade == nil { exchange.keepOrigin(output.unsent[start...]) }
    }

    private func appendNewOrigin(to output: inout OutputBuffer, given: OwnFields) {
        let trusted = exchange.trustedField
        let authority = exchange.bytes(of: exchange.head.authority)
        let isSecure = exchange.withConnection { $0.stream.isSecure }

        output.append("X-Real-IP: ")
        let clientStart = output.count
        output.appendHost(of: exchange.clientAddress)
        let client = clientStart..<output.count
        output.append("\r\nX-Forwarded-For: ")
        if trusted == .xForwardedFor {
            appendValues(of: "x-forwarded-for", to: &output)
            output.appendHost(of: exchange.endpoint.remoteAddress)
        } else {
            output.append(copyOf: client)
        }
        if !given.contains(.scheme) {
            output.append(isSecure ? "\r\nX-Forwarded-Proto: https" : "\r\nX-Forwarded-Proto: http")
        }
        if !given.contains(.port) {
            output.append("\r\nX-Forwarded-Port: ")
            output.appendDecimal(UInt64(exchange.endpoint.localAddress.port))
        }
        if !given.contains(.host), !authority.isEmpty {
            output.append("\r\nX-Forwarded-Host: ")
            output.append(authority)
        }
        output.append("\r\nForwarded: ")
        if trusted == .forwarded {
            appendValues(of: "forwarded", to: &output)
            let end = exchange.endpoint.remoteAddress
            appendNode(isIPv6: end.isIPv6, to: &output) { output in output.appendHost(of: end) }
        } else {
            appendNode(isIPv6: exchange.isClientIPv6, to: &output) { output in output.append(copyOf: client) }
        }
        output.append(isSecure || given.contains(.scheme) && wasSecure ? ";proto=https" : ";proto=http")
        if !authority.isEmpty {
            output.append(";host=\"")
            output.append(authority)
            output.append("\"")
        }
        switch exchange.head.version {
        case .http10: output.append("\r\nVia: 1.0 isagate\r\n")
        case .http11: output.append("\r\nVia: 1.1 isagate\r\n")
        case .http2: output.append("\r\nVia: 2.0 isagate\r\n")
        }
    }

    /// The request that the subrequest is about, in the fields of other gateways: X-Forwarded-Method and
    /// X-Forwarded-Uri.
    func appendAskedRequest(to output: inout OutputBuffer) {
        let head = exchange.head
        output.append("X-Forwarded-Method: ")
        output.append(exchange.bytes(of: head.methodToken))
        output.append("\r\nX-Forwarded-Uri: ")
        output.append(exchange.bytes(of: head.form == .authority ? head.target : head.path))
        if head.hasQuery {
            output.append("?")
            output.append(exchange.bytes(of: head.query))
        }
        output.append("\r\n")
    }

    /// Whether the client reached the trusted proxy over TLS, according to the proxy.
    private var wasSecure: Bool {
        guard let scheme = exchange.value(named: "x-forwarded-proto") else { return false }
        let range = scheme.range
        return exchange.headBytes.bytes.equals("https", from: range.lowerBound, to: range.upperBound)
    }

    /// All values of a field, as the beginning of a list.
    private func appendValues(of name: StaticString, to output: inout OutputBuffer) {
        let fields = exchange.fields
        for index in 0..<fields.count {
            let field = fields[index]
            let range = field.name.range
            guard !field.value.isEmpty,
                exchange.headBytes.bytes.equals(name, from: range.lowerBound, to: range.upperBound)
            else { continue }
            output.append(exchange.bytes(of: field.value))
            output.append(", ")
        }
    }

    /// An address that `append` writes, as the value of a parameter: quoted and in brackets if it has colons.
    @inline(__always)
    private func appendNode(isIPv6: Bool, to output: inout OutputBuffer, _ append: (inout OutputBuffer) -> Void) {
        output.append(isIPv6 ? "for=\"[" : "for=")
        append(&output)
        if isIPv6 { output.append("]\"") }
    }
}
