import HTTP
import Transport

/// A request about which somebody wants to know what the gateway would do with it.
package struct RequestQuestion: Sendable {
    package let url: RequestURL
    package var method = "GET"
    /// Field lines without their ends: `Accept: text/html`.
    package var fields: [String] = []
    /// The name of the listener; nil for the one that the URL's scheme and port lead to.
    package var listener: String?
    private(set) var client = IPAddress(ipv4: 127 << 24 | 1)

    package init(_ url: RequestURL) {
        self.url = url
    }

    /// Names the client; false for a text that is no address.
    package mutating func setClient(_ text: String) -> Bool {
        guard let address = IPAddress(text) else { return false }
        client = address
        return true
    }

    /// Why the command line does not describe a request; nil when it does.
    package var mistake: String? {
        if method.isEmpty || !method.utf8.allSatisfy(isTokenByte) { return "\(quoted(method)) is no method" }
        for field in fields where !field.contains(":") || field.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) {
            return "\(quoted(field)) is no field; expected 'Name: value'"
        }
        return nil
    }

    /// The request as a client of HTTP/1.1 sends it; `Host` is the URL's unless a field says otherwise.
    var bytes: [UInt8] {
        func hasField(_ name: String) -> Bool { fields.contains { $0.lowercased().hasPrefix(name + ":") } }
        var lines = ["\(method) \(url.target) HTTP/1.1"]
        if !hasField("host") { lines.append("Host: \(url.authority)") }
        lines += fields
        if !hasField("connection") { lines.append("Connection: close") }
        return Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
    }
}

/// An absolute URL of HTTP, split but not normalized: how its path is read is what is asked.
package struct RequestURL: Sendable {
    package let isSecure: Bool
    /// Host and port, as the URL has them.
    package let authority: String
    /// The host in lower case, an IPv6 address in brackets.
    package let host: String
    /// Nil when the URL names none.
    package let port: UInt16?
    /// Path and query.
    package let target: String

    /// Nil when the text is no such URL.
    package init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        switch text[..<scheme.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: return nil
        }
        let rest = text[scheme.upperBound...].prefix { $0 != "#" }
        let end = rest.firstIndex { "/?".contains($0) } ?? rest.endIndex
        let authority = String(rest[..<end])
        let path = rest[end...]
        target = path.hasPrefix("/") ? String(path) : "/" + path
        let colon = authority.last == "]" ? nil : authority.lastIndex(of: ":")
        let digits = colon.map { authority[authority.index(after: $0)...] } ?? ""
        port = UInt16(digits)
        host = authority[..<(colon ?? authority.endIndex)].lowercased()
        self.authority = authority
        guard !host.isEmpty, digits.isEmpty || port != nil, !authority.contains("@") else { return nil }
        guard text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else { return nil }
    }

    /// The port that the URL leads to.
    var effectivePort: UInt16 { port ?? (isSecure ? 443 : 80) }

    /// The name that the client sends in the handshake: that of the host, without a final dot; none for an address.
    var serverName: String? {
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        return SocketAddress("\(name):1") == nil ? name : nil
    }
}
