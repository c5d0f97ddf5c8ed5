import HTTP
import Memory

/// Rewrites the server's paths and name in responses to those that the client uses: Location, Content-Location,
/// Refresh, and the Path and Domain of cookies.
@safe
struct ResponseRewriting {
    /// The prefix of the client's paths, in place of `innerPrefix`, which is the prefix of the server's.
    private let prefix: [UInt8]
    private let innerPrefix: [UInt8]
    /// The server's names: that of its URL, and the Host it receives if that is not the client's.
    private let authority: [UInt8]
    private let fixedAuthority: [UInt8]?
    /// The host that the client requested, with its port if any.
    private let client: ByteView

    init(_ exchange: Exchange, _ route: ProxyRoute, _ server: UpstreamServer) {
        self.init(
            client: exchange.bytes(of: exchange.head.authority), route: route, authority: server.authority)
    }

    init(client: ByteView, route: ProxyRoute, authority: [UInt8]) {
        self.client = client
        prefix = route.prefix
        innerPrefix = route.innerPrefix
        self.authority = authority
        if case .fixed(let name) = route.host { fixedAuthority = name } else { fixedAuthority = nil }
    }

    /// How a field contains paths and names.
    private enum Kind { case reference, refresh, cookie }

    /// Whether the field may have to be changed; checked for every field, before anything is allocated for changes.
    @inline(__always)
    static func concerns(_ field: FieldSlice, _ span: RawSpan) -> Bool {
        kind(of: field, span) != nil
    }

    @inline(__always)
    private static func kind(of field: FieldSlice, _ span: RawSpan) -> Kind? {
        let name = field.name
        func isNamed(_ text: StaticString) -> Bool {
            span.equals(text, from: name.first, to: name.end)
        }
        return switch name.count {
        case 7: isNamed("refresh") ? .refresh : nil
        case 8: isNamed("location") ? .reference : nil
        case 10: isNamed("set-cookie") ? .cookie : nil
        case 16: isNamed("content-location") ? .reference : nil
        default: nil
        }
    }

    /// Appends the field's line for the client; false when it need not be changed.
    func append(_ field: FieldSlice, of message: ByteView, to output: inout OutputBuffer) -> Bool {
        let name = field.name.range
        let value = message[field.value.range]
        var start = 0
        switch Self.kind(of: field, message.bytes) {
        case nil: return false
        case .reference?: break
        case .refresh?:
            guard let target = refreshTarget(in: value) else { return false }
            start = target
        case .cookie?:
            output.append(message[name])
            output.append(": ")
            appendCookie(value, to: &output)
            output.append("\r\n")
            return true
        }
        let reference = value[start...]
        guard let edit = self.edit(of: reference) else { return false }
        output.append(message[name])
        output.append(": ")
        output.append(value[..<start])
        append(edit, in: reference, to: &output)
        output.append("\r\n")
        return true
    }

    // MARK: References

    /// The part of a text that is replaced by `prefix`.
    private struct Edit {
        var replaced: Range<Int>
        /// The text after it is empty or does not begin with a slash, and so needs one.
        var needsSlash: Bool
    }

    private func append(_ edit: Edit, in text: ByteView, to output: inout OutputBuffer) {
        output.append(text[..<edit.replaced.lowerBound])
        prefix.withBytes { output.append($0) }
        if edit.needsSlash { output.append("/") }
        output.append(text[edit.replaced.upperBound...])
    }

    /// For a URL of the server or of the client's host, and for a reference with an absolute path and no host (RFC 3986
    /// §4.2); nil for any other.
    private func edit(of reference: ByteView) -> Edit? {
        guard reference.first != UInt8(ascii: "/") else {
            if reference.count > 1, reference[1] == UInt8(ascii: "/") { return nil }
            return pathEdit(in: reference, from: 0, keeping: 0)
        }
        let span = reference.bytes
        let start: Int
        if span.hasPrefix("http://", from: 0, to: reference.count) {
            start = 7
        } else if span.hasPrefix("https://", from: 0, to: reference.count) {
            start = 8
        } else {
            return nil
        }
        let end = reference.firstIndex(from: start) { "/?#".utf8.contains($0) } ?? reference.count
        let named = reference[start..<end]
        // A URL on the client's own host stays a URL: the response may be about its scheme.
        if !client.isEmpty && isEqual(named, client) {
            return pathEdit(in: reference, from: end, keeping: end)
        }
        guard isServers({ isEqual(named, $0) }) else { return nil }
        return pathEdit(in: reference, from: end, keeping: 0)
    }

    /// - Parameters:
    ///   - start: where the path begins.
    ///   - kept: what is kept before it.
    private func pathEdit(in reference: ByteView, from start: Int, keeping kept: Int) -> Edit? {
        let path = reference[start...]
        var inner = 0
        if !innerPrefix.isEmpty {
            let pathEnd = path.firstIndex { "?#".utf8.contains($0) } ?? path.count
            let bare = path[..<pathEnd]
            guard ForwardedTarget.remainder(of: bare, behind: innerPrefix) != nil else { return nil }
            inner = innerPrefix.count
        }
        if kept == start && inner == 0 && prefix.isEmpty { return nil }
        let rest = path[inner...]
        let isPath = rest.first == UInt8(ascii: "/")
        if kept == 0, prefix.isEmpty, isPath, namesHost(rest) { return nil }
        return Edit(replaced: kept..<start + inner, needsSlash: prefix.isEmpty && !isPath)
    }

    /// Whether browsers find a host after the slash that the text begins with: they treat a backslash as a slash, and
    /// ignore tabs (WHATWG URL §4.4).
    private func namesHost(_ text: ByteView) -> Bool {
        let second = text.dropFirst().first { $0 != UInt8(ascii: "\t") }
        return second == UInt8(ascii: "/") || second == UInt8(ascii: "\\")
    }

    /// Where the URL of `5; url=/path` begins, as browsers parse it.
    private func refreshTarget(in value: ByteView) -> Int? {
        let span = value.bytes
        for index in 0..<value.count where span.hasPrefix("url=", from: index, to: value.count) { return index + 4 }
        return nil
    }

    // MARK: Cookies

    /// The cookie with its attributes Path and Domain for the client (RFC 6265 §5.2.3, §5.2.4).
    private func appendCookie(_ value: ByteView, to output: inout OutputBuffer) {
        let span = value.bytes
        var position = 0
        while position < value.count {
            let end = value.firstIndex(from: position) { $0 == UInt8(ascii: ";") } ?? value.count
            var start = position
            while start < end, value[start] == UInt8(ascii: " ") { start += 1 }
            // The first part is the cookie itself, whatever its name is.
            let isAttribute = position > 0
            output.append(value[position..<start])
            if isAttribute && span.hasPrefix("path=", from: start, to: end) {
                appendPathAttribute(value[start..<end], to: &output)
            } else if isAttribute && span.hasPrefix("domain=", from: start, to: end) {
                appendDomainAttribute(value[start..<end], to: &output)
            } else {
                output.append(value[start..<end])
            }
            if end < value.count { output.append(";") }
            position = end + 1
        }
    }

    private func appendPathAttribute(_ attribute: ByteView, to output: inout OutputBuffer) {
        let path = attribute[5...]
        guard path.first == UInt8(ascii: "/"), let edit = pathEdit(in: path, from: 0, keeping: 0) else {
            return output.append(attribute)
        }
        output.append(attribute[..<5])
        append(edit, in: path, to: &output)
    }

    private func appendDomainAttribute(_ attribute: ByteView, to output: inout OutputBuffer) {
        var domain = attribute[7...]
        if domain.first == UInt8(ascii: ".") {
            domain = domain.dropFirst()
        }
        guard isServers({ isEqual(domain, host(of: $0)) }), !client.isEmpty else {
            return output.append(attribute)
        }
        output.append(attribute[..<7])
        output.append(host(of: client))
    }

    /// Whether one of the server's names satisfies the condition.
    private func isServers(_ fits: (ByteView) -> Bool) -> Bool {
        authority.withBytes { fits($0) }
            || fixedAuthority.map { name in name.withBytes { fits($0) } } ?? false
    }

    /// An authority without its port.
    private func host(of authority: ByteView) -> ByteView {
        guard let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != UInt8(ascii: "]")
        else { return authority }
        return authority[..<colon]
    }

    /// Whether two names are the same, ignoring case.
    private func isEqual(_ first: ByteView, _ second: ByteView) -> Bool {
        guard first.count == second.count else { return false }
        for index in 0..<first.count where lowercase(first[index]) != lowercase(second[index]) { return false }
        return true
    }
}
