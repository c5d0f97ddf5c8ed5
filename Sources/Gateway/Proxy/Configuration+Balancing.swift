import Proxy
import TLS
import Transport

extension Balancing {
    /// Errors: a secret that cannot be read.
    init(_ upstream: UpstreamConfiguration, files: [String: [UInt8]]) throws(GatewayError) {
        let rule: Rule =
            switch upstream.balance {
            case .roundRobin: .roundRobin
            case .leastConnections: .leastConnections
            case .randomTwo: .randomTwo
            case .hash(let key): .hash(.init(key))
            }
        self.init(rule: rule)
        guard let configuration = upstream.sticky else { return }
        var secret = processSecret
        if let file = configuration.secretFile {
            do throws(CertificateProblem) {
                if let bytes = files[file] { secret = bytes } else { secret = try CertificateFileSystem.read(file) }
            } catch {
                throw .configuration("upstream \(upstream.name): \(error.description)")
            }
            guard secret.count >= 16 else {
                throw .configuration("upstream \(upstream.name): the secret in \(file) has fewer than 16 bytes")
            }
        }
        var attributes = "; Path=/; HttpOnly; SameSite=Lax"
        if let age = configuration.maxAge { attributes += "; Max-Age=\(age.components.seconds)" }
        if configuration.isSecure { attributes += "; Secure" }
        sticky = StickySessions(cookie: configuration.cookie, attributes: attributes, secret: secret)
    }
}

/// Signs the cookies of upstreams without a secret of their own, for as long as the process lives.
private let processSecret: [UInt8] = (0..<16).map { _ in .random(in: 0...255) }

extension UpstreamState {
    convenience init(_ upstream: UpstreamConfiguration, inheriting old: UpstreamState?) {
        let known = old?.servers ?? []
        let servers = upstream.servers.map { server in
            let name = server.url.description
            return ServerState(
                server, isVariable: upstream.serversFile != nil, tunnels: known.first { $0.name == name }?.tunnels)
        }
        self.init(
            name: upstream.name, servers: servers, rules: HealthRules(upstream.health),
            queueLimit: upstream.queue.requests, inheriting: old)
    }
}

extension ServerState {
    /// - Parameter isVariable: whether the maximum of requests may change.
    convenience init(_ server: ServerConfiguration, isVariable: Bool, tunnels: TunnelCounters?) {
        self.init(
            name: server.url.description, maximumRequests: server.maxConnections, isVariable: isVariable,
            tunnels: tunnels)
    }
}

extension HealthRules {
    init(_ health: HealthConfiguration) {
        self.init()
        if let active = health.active {
            rise = active.rise
            fall = active.fall
        }
        fails = health.passive.fails
        within = Delay(health.passive.within)
        eject = Delay(health.passive.eject)
    }
}

extension HealthCheck {
    init(_ active: HealthConfiguration.ActiveHealth) {
        self.init()
        path = active.path
        host = active.host
        statuses = active.statuses
        body = active.body.map { Array($0.utf8) }
        every = Delay(active.every)
        timeout = Delay(active.timeout)
    }
}
