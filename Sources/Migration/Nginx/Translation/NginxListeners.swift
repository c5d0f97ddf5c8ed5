/// The listeners: addresses that serve the same sites in the same way are one listener.
struct NginxListeners {
    struct Listener {
        var name: String
        var binds: [String]
        var place: Place
        var usesTLS: Bool
        var usesProxyProtocol: Bool
        var isCleartextHTTP2: Bool
        /// Indexes of the servers, in order.
        var servers: [Int]
        var defaultServer: Int
    }

    private struct Address {
        var bind: String
        var place: Place
        var port: Int
        var usesTLS = false
        var usesProxyProtocol = false
        var isHTTP2 = false
        var servers: [Int] = []
        var defaultServer: Int?

        mutating func add(_ listen: NginxListen, of index: Int, _ server: NginxServer) {
            usesTLS = usesTLS || listen.usesTLS
            usesProxyProtocol = usesProxyProtocol || listen.usesProxyProtocol
            isHTTP2 = isHTTP2 || listen.isHTTP2 || server.hasHTTP2
            if !servers.contains(index) { servers.append(index) }
            if listen.isDefault, defaultServer == nil { defaultServer = index }
        }
    }

    private(set) var listeners: [Listener] = []
    private let servers: [NginxServer]

    init(_ servers: [NginxServer], _ translation: NginxTranslation) {
        self.servers = servers
        var addresses: [String: Address] = [:]
        var order: [String] = []
        let wildcards = Set(servers.flatMap(\.listens).filter(\.isWildcard).map(\.bind))
        for (index, server) in servers.enumerated() {
            for listen in server.listens {
                // nginx binds every address once, and tells apart by the address of the connection; the gateway binds
                // each address that it is given.
                var bind = listen.bind
                let wildcard = "\(listen.address.hasPrefix("[") ? "[::]" : "0.0.0.0"):\(listen.port)"
                if !listen.isWildcard, wildcards.contains(wildcard) {
                    bind = wildcard
                    translation.ledger.remark(
                        listen.place, "the server is served on every address, because another listens on \(wildcard)")
                }
                if addresses[bind] == nil { order.append(bind) }
                var address = addresses[bind] ?? Address(bind: bind, place: listen.place, port: listen.port)
                address.add(listen, of: index, server)
                addresses[bind] = address
            }
        }
        for bind in order {
            guard let address = addresses[bind] else { continue }
            add(address)
        }
        nameListeners()
    }

    private mutating func add(_ address: Address) {
        let chosen = address.defaultServer ?? address.servers[0]
        let isCleartextHTTP2 = address.isHTTP2 && !address.usesTLS
        let same = listeners.firstIndex { other in
            other.servers == address.servers && other.defaultServer == chosen && other.usesTLS == address.usesTLS
                && other.usesProxyProtocol == address.usesProxyProtocol && other.isCleartextHTTP2 == isCleartextHTTP2
                && other.binds.contains { $0.hasSuffix(":\(address.port)") }
        }
        if let same {
            listeners[same].binds.append(address.bind)
        } else {
            listeners.append(
                Listener(
                    name: String(address.port), binds: [address.bind], place: address.place, usesTLS: address.usesTLS,
                    usesProxyProtocol: address.usesProxyProtocol, isCleartextHTTP2: isCleartextHTTP2,
                    servers: address.servers, defaultServer: chosen))
        }
    }

    private mutating func nameListeners() {
        var taken = Set<String>()
        for index in listeners.indices {
            let listener = listeners[index]
            var name = "\(listener.usesTLS ? "https" : "http")-\(listener.name)"
            if name == "http-80" { name = "http" }
            if name == "https-443" { name = "https" }
            var unique = name
            var number = 2
            while !taken.insert(unique).inserted {
                unique = "\(name)-\(number)"
                number += 1
            }
            listeners[index].name = unique
        }
    }

    /// Where a server is served; with whether it answers for unknown hosts there.
    func of(_ server: NginxServer) -> [(listener: Listener, isDefault: Bool)] {
        guard let index = servers.firstIndex(where: { $0 === server }) else { return [] }
        return listeners.filter { $0.servers.contains(index) }.map { ($0, $0.defaultServer == index) }
    }

    /// - Parameter used: the sites that are written; a listener without one is left out.
    func section(_ translation: NginxTranslation, used sites: [ConfigurationSection]) -> ConfigurationSection {
        let names = Set(
            sites.flatMap { site -> [String] in
                if case .texts(let names)? = site["listen"] { return names }
                return []
            })
        var section = ConfigurationSection()
        for listener in listeners where names.contains(listener.name) {
            var one = ConfigurationSection()
            let origin = Origin.place(listener.place)
            one.set("bind", .texts(Self.short(listener.binds)), origin)
            let scopes = listener.servers.map { servers[$0].scope }
            translation.addProxies(scopes, isProxyProtocol: listener.usesProxyProtocol, to: &one, origin)
            if listener.isCleartextHTTP2 { one.set("h2c", "on", origin) }
            if listener.usesTLS {
                let tls = translation.listenerTLS(servers[listener.defaultServer].scope)
                one.set("tls", tls.isEmpty ? .defaults : .section(tls), origin)
            }
            section.set(listener.name, .section(one), origin)
        }
        return section
    }

    /// Every address of both families has a short form.
    private static func short(_ binds: [String]) -> [String] {
        guard binds.count == 2, let ipv4 = binds.first(where: { $0.hasPrefix("0.0.0.0:") }) else { return binds }
        let port = ipv4.dropFirst("0.0.0.0".count)
        return binds.contains("[::]\(port)") ? [String(port)] : binds
    }
}

extension NginxServer {
    var hasHTTP2: Bool { scope.nearest("http2")?.first == "on" }
}

extension NginxTranslation {
    /// Proxies in front: `set_real_ip_from` and the PROXY protocol.
    func addProxies(
        _ scopes: [NginxScope], isProxyProtocol: Bool, to listener: inout ConfigurationSection, _ origin: Origin
    ) {
        var seen = Set<String>()
        let directives = scopes.flatMap { $0.all("set_real_ip_from") }
        let networks = directives.map(\.first).filter { $0 != "unix:" && seen.insert($0).inserted }
        let field = scopes.compactMap { $0.nearest("real_ip_header") }.first
        for directive in directives { carry(directive) }
        if let field { carry(field) }
        if isProxyProtocol {
            var section = ConfigurationSection()
            section.set("mode", "required", origin)
            if networks.isEmpty {
                section.set("from", .texts(["0.0.0.0/0", "::/0"]), .reason("nginx accepts it from everybody"))
                if case .place(let place) = origin {
                    ledger.remark(place, "proxy_protocol: any client may claim an address; name the proxies in 'from'")
                }
            } else {
                section.set("from", .texts(networks), directives[0].origin)
            }
            listener.set("proxy_protocol", .section(section), origin)
        } else if let first = directives.first, !networks.isEmpty {
            let name = (field?.first ?? "X-Real-IP").lowercased()
            guard name == "x-forwarded-for" || name == "forwarded" else {
                for directive in directives {
                    omit(
                        directive, "clients are named by X-Forwarded-For or Forwarded, not by '\(name)'; see 'trusted'")
                }
                if let field { omit(field, "'trusted.field' takes x-forwarded-for and forwarded") }
                return
            }
            var section = ConfigurationSection()
            section.set("from", .texts(networks), first.origin)
            section.set("field", name, field?.origin ?? first.origin)
            listener.set("trusted", .section(section), first.origin)
        }
    }
}
