/// A recorded request as it is sent again: without what was masked, and without what concerns a connection.
package struct ReplayRequest: Sendable, Equatable {
    /// The request in the form of HTTP/1.1.
    package let bytes: [UInt8]
    /// The host that the request names, without a port; empty if it names none.
    package let host: String
    /// Names of fields and parameters that are left out because their values are unknown.
    package let omitted: [String]
    let isHead: Bool

    /// Fields of a connection (RFC 9110 §7.6.1), and those that say how a body is framed.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding",
        "upgrade", "http2-settings", "content-length", "expect",
    ]

    /// - Parameters:
    ///   - added: field lines such as `Accept: text/html`, which replace recorded ones of the same name.
    ///   - body: nil for none.
    package init(_ record: TraceRecord, added: [String], body: [UInt8]?, to authority: String) throws(ReplayFailure) {
        guard let method = record.method, let target = record.target else {
            throw .unsuitable("the request was refused before it was understood, and its head was not kept")
        }
        guard !record.isHeadCut else {
            throw .unsuitable("the head of the request was not kept as a whole; raise recorder.head")
        }
        guard method != "CONNECT", let path = Self.path(of: target) else {
            throw .unsuitable("a request for '\(target)' cannot be sent to another gateway")
        }
        guard !record.hasBody || body != nil else {
            throw .unsuitable("the request had a body, which is not recorded; --body names a file to send in its place")
        }
        for text in [method, path] + record.fields.flatMap({ [$0.name, $0.value] }) + added {
            guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F || $0 == "\t" }) else {
                throw .unsuitable("the request contains control characters")
            }
        }
        let (kept, parameters) = Self.withoutMasked(path)
        var omitted = parameters
        var lines = ["\(method) \(kept) HTTP/1.1"]
        let replaced = Set(added.map { Self.name(of: $0) })
        var dropped = Self.hopByHop.union(replaced)
        for field in record.fields where field.name.lowercased() == "connection" {
            for name in field.value.split(separator: ",") {
                dropped.insert(name.trimmed.lowercased())
            }
        }
        var fields: [(name: String, value: String)] = []
        for field in record.fields where !dropped.contains(field.name.lowercased()) {
            // What was no text when it was recorded is not known any more either.
            if field.maskedBytes != nil || field.value.contains("\u{FFFD}") {
                omitted.append(field.name)
            } else {
                fields.append((field.name, field.value))
            }
        }
        if !replaced.contains("host"), !fields.contains(where: { $0.name.lowercased() == "host" }) {
            fields.insert(("Host", record.host ?? authority), at: 0)
        }
        lines += fields.map { "\($0.name): \($0.value)" }
        lines += added
        if let body { lines.append("Content-Length: \(body.count)") }
        lines.append("Connection: close")
        bytes = Array((lines + ["", ""]).joined(separator: "\r\n").utf8) + (body ?? [])
        let named = added.last { Self.name(of: $0) == "host" }.map { $0.drop { $0 != ":" }.dropFirst().trimmed }
        host = Self.withoutPort(named ?? fields.first { $0.name.lowercased() == "host" }?.value ?? "")
        self.omitted = omitted
        isHead = method == "HEAD"
    }

    /// The name of a field line, in lower case.
    private static func name(of line: String) -> String { line.prefix { $0 != ":" }.lowercased() }

    /// Path and query of a target; nil if it has none.
    private static func path(of target: String) -> String? {
        if target.hasPrefix("/") || target == "*" { return target }
        guard let mark = target.firstRange(of: "://") else { return nil }
        let rest = target[mark.upperBound...]
        guard let start = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
        return rest[start] == "/" ? String(rest[start...]) : "/" + rest[start...]
    }

    /// The path without the parameters that are masked, and their names.
    private static func withoutMasked(_ path: String) -> (path: String, names: [String]) {
        guard let mark = path.firstIndex(of: "?"), path[mark...].contains("=***") else { return (path, []) }
        var names: [String] = []
        let parameters = path[path.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        let kept = parameters.filter { parameter in
            guard parameter.contains("=***") else { return true }
            names.append(String(parameter.prefix { $0 != "=" }))
            return false
        }
        return (path[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&")), names)
    }

    private static func withoutPort(_ host: String) -> String {
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return String(host.prefix { $0 != ":" })
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        let end = start.lastIndex { $0 != " " && $0 != "\t" }
        return end.map { String(start[...$0]) } ?? ""
    }
}
