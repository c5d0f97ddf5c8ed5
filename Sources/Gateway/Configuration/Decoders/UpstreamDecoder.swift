extension ValueDecoder<UpstreamConfiguration> {
    static func upstream(name: String) -> Self {
        .mapping { keys in
            let time = ValueDecoder<Duration>.time(in: .milliseconds(10) ... .seconds(86_400))
            var upstream = UpstreamConfiguration(name: name)
            upstream.balance = ValueDecoder<UpstreamConfiguration.Balance>.take(from: &keys)
            switch keys.take("servers_from", .serversSource) {
            case .file(let path): upstream.serversFile = path
            case .etcd(let etcd):
                upstream.etcd = etcd
                upstream.serversFile = etcd.file(ofUpstream: name)
            case nil: break
            }
            let servers = keys.take("servers", .list("servers", of: .located(.server)), orElse: "servers_from") ?? []
            upstream.servers = servers.map(\.value)
            upstream.ownServers = upstream.servers
            upstream.connectTimeout = keys.take("connect_timeout", time, default: upstream.connectTimeout)
            upstream.sendTimeout = keys.take("send_timeout", time, default: upstream.sendTimeout)
            upstream.responseTimeout = keys.take("response_timeout", time, default: upstream.responseTimeout)
            upstream.readTimeout = keys.take("read_timeout", time, default: upstream.readTimeout)
            upstream.requestTimeout = keys.take("request_timeout", time, default: upstream.requestTimeout)
            upstream.tunnelTimeout = keys.take("tunnel_timeout", time, default: upstream.tunnelTimeout)
            upstream.responseHead = keys.take(
                "response_head", .size(in: 1 << 10...1 << 20), default: upstream.responseHead)
            upstream.keepAlive = keys.take("keep_alive", .keepAlive, default: upstream.keepAlive)
            upstream.retries = keys.take("retries", .integer(in: 0...10), default: upstream.retries)
            upstream.retryBudget = keys.take("retry_budget", .integer(in: 0...100), default: upstream.retryBudget)
            upstream.tls = keys.take("tls", .upstreamTLS, default: upstream.tls)
            upstream.proxyProtocol = keys.take(
                "proxy_protocol", .word("a version of the PROXY protocol", ["v1": .one, "v2": .two]))
            upstream.sticky = keys.take("sticky", .sticky)
            upstream.slowStart = keys.take(
                "slow_start", .time(in: .zero ... .seconds(3600)), default: upstream.slowStart)
            upstream.queue = keys.take("queue", .upstreamQueue, default: upstream.queue)
            upstream.health = keys.take("health", .health, default: upstream.health)
            reportImpossibleTimeouts(upstream, keys)
            reportRepeatedServers(servers, keys.context)
            if keys.names.contains("tls"), upstream.serversFile == nil, !servers.contains(where: \.value.url.isSecure) {
                keys.context.report(
                    "tls needs a server whose url begins with https://", at: keys.position(of: "tls") ?? keys.position)
            }
            return upstream
        }
    }
}

/// A part cannot take longer than the whole.
private func reportImpossibleTimeouts(_ upstream: UpstreamConfiguration, _ keys: MappingReader) {
    let whole = upstream.requestTimeout
    let parts = [
        ("connect_timeout", upstream.connectTimeout), ("send_timeout", upstream.sendTimeout),
        ("response_timeout", upstream.responseTimeout), ("read_timeout", upstream.readTimeout),
    ]
    if upstream.queue.timeout > whole, let position = keys.position(of: "queue") {
        keys.context.report(
            "queue.timeout (\(formatTime(upstream.queue.timeout))) must not be longer than request_timeout "
                + "(\(formatTime(whole))), which contains it", at: position)
    }
    for (name, part) in parts where part > whole {
        keys.context.report(
            "\(name) (\(formatTime(part))) must not be longer than request_timeout (\(formatTime(whole))), which "
                + "contains it",
            at: keys.position(of: name) ?? keys.position(of: "request_timeout") ?? keys.position)
    }
}

func reportRepeatedServers(_ servers: [Located<ServerConfiguration>], _ context: DecodingContext) {
    var first: [ServerURL: SourcePosition] = [:]
    for server in servers {
        if let earlier = first[server.value.url] {
            context.report("the same server is given twice, first on line \(earlier.line)", at: server.position)
        } else {
            first[server.value.url] = server.position
        }
    }
}

extension ValueDecoder<UpstreamConfiguration.KeepAlive> {
    fileprivate static var keepAlive: Self {
        .mapping { keys in
            var kept = UpstreamConfiguration.KeepAlive()
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
            kept.connections = keys.take("connections", .integer(in: 0...10_000), default: kept.connections)
            kept.idleTimeout = keys.take("idle_timeout", time, default: kept.idleTimeout)
            kept.lifetime = keys.take("lifetime", time, default: kept.lifetime)
            return kept
        }
    }
}

extension ValueDecoder<ServerConfiguration> {
    static var server: Self {
        section.or(scalar: ValueDecoder<ServerURL>.serverURL) { ServerConfiguration(url: $0) }
    }

    private static var section: Self {
        .mapping { keys in
            ServerConfiguration(
                url: keys.require("url", .serverURL, placeholder: .unix(path: "")),
                weight: keys.take("weight", .integer(in: 1...1000), default: 1),
                isService: keys.take(
                    "srv", .word("whether the host names a service", ["true": true, "false": false]), default: false),
                isBackup: keys.take(
                    "backup", .word("whether it is a backup", ["true": true, "false": false]), default: false),
                maxConnections: keys.take("max_connections", .integer(in: 1...1_000_000)))
        }
    }
}

extension ValueDecoder<ServerURL> {
    private static let noun = "a URL such as http://127.0.0.1:9000, https://app.example or unix:/run/app.sock"

    static var serverURL: Self {
        Self { node, context in
            let parsed = ValueDecoder<ServerURL>.text(noun) { text throws(Refusal) in
                if text.hasPrefix("unix:") { return try unixSocket(context.absolutePath(String(text.dropFirst(5)))) }
                if text.hasPrefix("http://") { return try tcp(text.dropFirst(7), isSecure: false, port: 80) }
                if text.hasPrefix("https://") { return try tcp(text.dropFirst(8), isSecure: true, port: 443) }
                return nil
            }
            return parsed.decode(node, context)
        }
    }

    private static func unixSocket(_ path: String) throws(Refusal) -> ServerURL {
        guard path.utf8.count <= AdminConfiguration.maximumSocketPathBytes else {
            throw Refusal(message: "the path of a socket has at most 107 bytes, \(quoted(path)) has \(path.utf8.count)")
        }
        return .unix(path: path)
    }

    /// - Parameters:
    ///   - text: host and port, in a URL without more.
    ///   - defaultPort: that of a text without one.
    static func tcp(
        _ text: Substring, isSecure: Bool, port defaultPort: UInt16
    ) throws(Refusal) -> ServerURL? {
        var authority = text
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        if authority.contains(where: { "/?#@".contains($0) }) {
            throw Refusal(message: "a server's url has neither path nor user; found \(quoted(String(text)))")
        }
        var port = defaultPort
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[bracket...].lastIndex(of: ":") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.utf8.allSatisfy(isDigit), let number = UInt16(digits), number > 0 else {
                throw Refusal(message: "a port is a number from 1 to 65535, found \(quoted(String(digits)))")
            }
            port = number
            authority = authority[..<colon]
        }
        let host = authority.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") {
            return canonicalAddress(String(host.dropFirst().dropLast()), .ipv6)
                .map { .tcp(host: $0, port: port, isSecure: isSecure) }
        }
        return isDomainName(host[...]) ? .tcp(host: host, port: port, isSecure: isSecure) : nil
    }
}

extension ServerURL: CustomStringConvertible {
    var isSecure: Bool {
        if case .tcp(_, _, true) = self { return true }
        return false
    }

    /// The URL as messages name it.
    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port, let isSecure):
            "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }
}

extension ValueDecoder<UpstreamTLSConfiguration> {
    static var upstreamTLS: Self {
        .mapping { keys in
            var tls = UpstreamTLSConfiguration()
            tls.authorities = keys.take("ca", .file)
            tls.isVerified = keys.take(
                "verify", .word("whether certificates are verified", ["on": true, "off": false]), default: true)
            tls.serverName = keys.take(
                "server_name", .text("a host name") { isDomainName($0.lowercased()[...]) ? $0.lowercased() : nil })
            tls.minimumVersion = keys.take(
                "min", .word("a TLS version", ["1.2": .tls12, "1.3": .tls13]), default: tls.minimumVersion)
            tls.certificate = keys.take("certificate", .ownCertificate)
            if !tls.isVerified, tls.authorities != nil {
                keys.context.report(
                    "ca has no meaning when verify is off", at: keys.position(of: "ca") ?? keys.position)
            }
            return tls
        }
    }
}
