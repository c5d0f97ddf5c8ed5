import Transport

/// Where a Redis server is, and as whom the gateway uses it:
///
///     redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]
///     rediss://…                                       the same with TLS
///     redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DATABASE]
///     rediss+sentinel://…                              the same with TLS, to the sentinels too
///     unix:///PATH
///
/// User, password and the master's name may be percent-encoded (RFC 3986 §2.1). User and password are those of the
/// server, not of the sentinels.
package struct RedisURL: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        case server(RedisHost)
        /// They know which server is the master of this name at present.
        case sentinels([RedisHost], master: String)
        case unix(path: String)
    }

    package let place: Place
    package let isSecure: Bool
    package let user: String?
    package var password: String?
    package let database: Int

    /// Databases of one server; its own setting is 16.
    package static let databases = 0...65_535
    package static let longestText = 4096
    package static let mostSentinels = 16

    package init(_ text: String) throws(RedisURLError) {
        guard text.utf8.count <= Self.longestText else { throw .tooLong(limit: Self.longestText) }
        guard let end = text.firstRange(of: "://") else { throw .unknownScheme }
        let scheme = text[..<end.lowerBound]
        var rest = text[end.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .forbiddenCharacter }
        guard !rest.contains("?"), !rest.contains("#") else { throw .query }
        let isSentinel: Bool
        switch scheme {
        case "redis": (isSecure, isSentinel) = (false, false)
        case "rediss": (isSecure, isSentinel) = (true, false)
        case "redis+sentinel": (isSecure, isSentinel) = (false, true)
        case "rediss+sentinel": (isSecure, isSentinel) = (true, true)
        case "unix":
            let path = try Self.decoded(rest)
            guard path.hasPrefix("/"), SocketAddress(unixPath: path) != nil else { throw .socketPath }
            (place, isSecure, user, password, database) = (.unix(path: path), false, nil, nil, 0)
            return
        default: throw .unknownScheme
        }
        (user, password) = try Self.takeCredentials(from: &rest)
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        let hosts = parts.removeFirst()
        if isSentinel {
            guard !parts.isEmpty else { throw .noMaster }
            let master = try Self.decoded(parts.removeFirst())
            guard !master.isEmpty else { throw .noMaster }
            let names = hosts.split(separator: ",", omittingEmptySubsequences: false)
            guard names.count <= Self.mostSentinels else { throw .tooManySentinels(limit: Self.mostSentinels) }
            var sentinels: [RedisHost] = []
            for name in names { sentinels.append(try RedisHost(name, usualPort: 26379)) }
            guard Set(sentinels).count == sentinels.count else { throw .repeatedSentinel }
            place = .sentinels(sentinels, master: master)
        } else {
            place = .server(try RedisHost(hosts, usualPort: 6379))
        }
        database = try Self.database(parts)
    }

    /// The servers to connect to first: the only one, or the sentinels; none for a Unix domain socket.
    package var hosts: [RedisHost] {
        switch place {
        case .server(let host): [host]
        case .sentinels(let hosts, _): hosts
        case .unix: []
        }
    }

    private static func takeCredentials(from rest: inout Substring) throws(RedisURLError) -> (String?, String?) {
        guard let at = rest.lastIndex(of: "@") else { return (nil, nil) }
        let credentials = rest[..<at]
        rest = rest[rest.index(after: at)...]
        // A sign that has a meaning elsewhere is encoded: a URL that is cut in the wrong place must not be used.
        guard !credentials.contains("/"), !credentials.contains("@") else { throw .credentials }
        guard let colon = credentials.firstIndex(of: ":") else {
            let user = try decoded(credentials)
            guard !user.isEmpty else { throw .credentials }
            return (user, nil)
        }
        let user = try decoded(credentials[..<colon])
        let password = try decoded(credentials[credentials.index(after: colon)...])
        guard !password.isEmpty else { throw .credentials }
        return (user.isEmpty ? nil : user, password)
    }

    private static func database(_ parts: [Substring]) throws(RedisURLError) -> Int {
        guard let text = parts.first, !(parts.count == 1 && text.isEmpty) else { return 0 }
        guard parts.count == 1, text.utf8.count <= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), databases.contains(number)
        else { throw .database }
        return number
    }

    private static func decoded(_ text: Substring) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal),
                high << 4 | low != 0
            else { throw .percentEncoding }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .percentEncoding }
        return decoded
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the password, and without the user.
    package var description: String {
        let scheme = isSecure ? "rediss" : "redis"
        let suffix = database == 0 ? "" : "/\(database)"
        return switch place {
        case .server(let host): "\(scheme)://\(host)\(suffix)"
        case .sentinels(let hosts, let master):
            "\(scheme)+sentinel://\(hosts.map(\.description).joined(separator: ","))/\(master)\(suffix)"
        case .unix(let path): "unix://\(path)"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A name or an address with a port.
package struct RedisHost: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    package let name: String
    package let port: UInt16

    package init(name: String, port: UInt16) {
        self.name = name
        self.port = port
    }

    /// Parses `name`, `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`.
    init(_ text: Substring, usualPort: UInt16) throws(RedisURLError) {
        var host = text
        var port = usualPort
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            host = text[..<colon]
            let digits = text[text.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != "0",
                let number = UInt16(digits)
            else { throw .port }
            port = number
        }
        self.port = port
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), let address = IPAddress(String(host.dropFirst().dropLast())), !address.isIPv4
            else { throw .host }
            name = String(host.dropFirst().dropLast())
            return
        }
        guard Self.isName(host) || IPAddress(String(host)) != nil && !host.contains(":") else { throw .host }
        name = String(host)
    }

    /// A host name (RFC 1123 §2.1). One of digits only would be taken for an address by some.
    private static func isName(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last, !last.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
    }

    /// Nil for a name.
    package var address: SocketAddress? { IPAddress(name).map { SocketAddress($0, port: port) } }

    package var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }
}

/// Why a text is not the URL of a Redis server. None of them has a part of the text, which may have a password.
package enum RedisURLError: Error, Hashable, Sendable {
    case tooLong(limit: Int)
    case unknownScheme, forbiddenCharacter, query, credentials, percentEncoding, host, port, database, socketPath
    case noMaster, repeatedSentinel
    case tooManySentinels(limit: Int)
}

extension RedisURLError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .unknownScheme:
            "it begins with none of redis://, rediss://, redis+sentinel://, rediss+sentinel:// and unix:///"
        case .forbiddenCharacter: "it has a space, a control character or a character beyond ASCII"
        case .query: "it has a query or a fragment"
        case .credentials: "before its @ there has to be USER, USER:PASSWORD or :PASSWORD, percent-encoded"
        case .percentEncoding: "its percent-encoding is malformed"
        case .host: "its host is no name and no address"
        case .port: "its port is no number from 1 to 65535"
        case .database: "its database is no number from 0 to \(RedisURL.databases.upperBound)"
        case .socketPath: "its path is no absolute path of at most 107 bytes"
        case .noMaster: "it lacks the name of the master after the sentinels, as in redis+sentinel://HOST/MASTER"
        case .repeatedSentinel: "it names a sentinel twice"
        case .tooManySentinels(let limit): "it names more than \(limit) sentinels"
        }
    }
}
