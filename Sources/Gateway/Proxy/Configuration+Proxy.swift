import Glibc
import HTTP
import Proxy
import TLS
import Transport

extension UpstreamSettings {
    init(_ upstream: UpstreamConfiguration) {
        self.init(name: upstream.name)
        connectTimeout = Delay(upstream.connectTimeout)
        sendTimeout = Delay(upstream.sendTimeout)
        responseTimeout = Delay(upstream.responseTimeout)
        readTimeout = Delay(upstream.readTimeout)
        requestTimeout = Delay(upstream.requestTimeout)
        tunnelTimeout = Delay(upstream.tunnelTimeout)
        responseHead = upstream.responseHead
        proxyProtocol = upstream.proxyProtocol
        keptConnections = upstream.keepAlive.connections
        keptIdle = Delay(upstream.keepAlive.idleTimeout)
        keptLifetime = Delay(upstream.keepAlive.lifetime)
        retries = upstream.retries
        retryBudget = upstream.retryBudget
        queueTimeout = Delay(upstream.queue.timeout)
    }
}

extension ProxyRoute {
    /// - Parameter expression: the expression that the route's path matches.
    convenience init(_ proxy: ProxyConfiguration, matching expression: String?) {
        let host: Host =
            switch proxy.host {
            case .fromClient: .fromClient
            case .fromServer: .fromServer
            case .fixed(let name): .fixed(Array(name.utf8))
            }
        self.init(
            prefix: proxy.stripPrefix, innerPrefix: proxy.addPrefix,
            rewriting: proxy.rewrite.map { TemplateRewriting($0, matching: expression) }, host: host,
            removed: proxy.requestHeaders.remove,
            set: proxy.requestHeaders.set.map { ($0.name, $0.value) })
    }
}

extension ProxyHandler.Buffering {
    init(_ buffer: ProxyConfiguration.Buffer) {
        self.init(
            holdsRequests: buffer.requests, holdsResponses: buffer.responses,
            limits: Spool.Limits(memory: buffer.memory, total: buffer.limit, folder: buffer.folder))
    }
}

extension TLSClientContext.Settings {
    init(_ tls: UpstreamTLSConfiguration) {
        self.init()
        authorities = tls.authorities
        isVerified = tls.isVerified
        minimum = tls.minimumVersion == .tls13 ? .tls13 : .tls12
        certificate = tls.certificate.map {
            CertificateFiles(chain: $0.chain, key: $0.key, passphrase: $0.passphraseFile, ocsp: nil)
        }
    }
}

extension UpstreamConfiguration {
    /// Absolute paths of all files it names.
    var files: [String] { tls.files + [sticky?.secretFile].compactMap { $0 } }
}

extension UpstreamTLSConfiguration {
    /// Absolute paths of all files it names.
    var files: [String] {
        [authorities, certificate?.chain, certificate?.key, certificate?.passphraseFile].compactMap { $0 }
    }
}

extension ServerURL {
    /// The name or address without a port; the certificate has to contain it.
    var host: String {
        switch self {
        case .unix: "localhost"
        case .tcp(let host, _, _): host
        }
    }

    /// `host:port`, with brackets around an IPv6 address, and without the port that the scheme implies: the Host of
    /// requests that are addressed to the server itself.
    var authority: String {
        guard case .tcp(let host, let port, let isSecure) = self else { return "localhost" }
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Where the server can be reached; empty for a name, which is resolved later.
    var addresses: [SocketAddress] {
        switch self {
        case .unix(let path): SocketAddress(unixPath: path).map { [$0] } ?? []
        case .tcp(let host, let port, _): IPAddress(host).map { [SocketAddress($0, port: port)] } ?? []
        }
    }
}

extension TrustedProxies {
    init(_ configuration: TrustedProxiesConfiguration) {
        let field: Field =
            switch configuration.field {
            case .xForwardedFor: .xForwardedFor
            case .forwarded: .forwarded
            }
        self.init(networks: configuration.networks, field: field)
    }
}
