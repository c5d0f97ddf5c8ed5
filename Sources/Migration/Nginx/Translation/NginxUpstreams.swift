/// The upstreams: `upstream` blocks, and servers that locations name directly, with the settings of the locations.
struct NginxUpstreams {
    /// What `proxy_pass` names: an upstream, or a host with or without a port.
    struct Server: Hashable {
        var isSecure: Bool
        /// Or `unix:` and a path.
        var authority: String

        var url: String {
            if authority.hasPrefix("unix:") { return authority }
            return (isSecure ? "https://" : "http://") + authority
        }
    }

    private struct Written {
        var name: String
        var server: Server
        var settings: ConfigurationSection
        var section: ConfigurationSection
        var origin: Origin
    }

    private let definitions: [String: NginxDirective]
    private var written: [Written] = []

    init(_ directives: [NginxDirective]) {
        definitions = Dictionary(directives.map { ($0.first.lowercased(), $0) }) { first, _ in first }
    }

    var section: ConfigurationSection {
        var section = ConfigurationSection()
        for one in written { section.set(one.name, .section(one.section), one.origin) }
        return section
    }

    /// The upstream, or the URL, that `proxy.to` names for a server with the settings of a location.
    mutating func use(
        _ server: Server, _ pass: NginxDirective, _ scope: NginxScope, _ translation: NginxTranslation
    ) -> String {
        let settings = translation.upstreamSettings(scope, isSecure: server.isSecure)
        let definition = definitions[server.authority]
        if definition == nil, settings.isEmpty { return server.url }
        if let same = written.first(where: { $0.server == server && Self.isSame($0.settings, settings) }) {
            return same.name
        }
        var section = ConfigurationSection()
        if let definition {
            translation.addServers(definition, isSecure: server.isSecure, to: &section)
            if section.isEmpty {
                translation.omit(definition, "it has no server that can be carried over")
                section.set("servers", .texts(["http://127.0.0.1:9"]), definition.origin)
            }
        } else {
            section.set("servers", .texts([server.url]), pass.origin)
        }
        section.append(contentsOf: settings)
        let name = unique(Self.name(server.authority))
        written.append(
            Written(
                name: name, server: server, settings: settings, section: section,
                origin: definition?.origin ?? pass.origin))
        return name
    }

    /// Settings are the same from whichever line.
    private static func isSame(_ one: ConfigurationSection, _ other: ConfigurationSection) -> Bool {
        one.entries.map(\.key) == other.entries.map(\.key)
            && zip(one.entries, other.entries).allSatisfy { isSame($0.value, $1.value) }
    }

    private static func isSame(_ one: ConfigurationValue, _ other: ConfigurationValue) -> Bool {
        if case (.section(let one), .section(let other)) = (one, other) { return isSame(one, other) }
        return one == other
    }

    private static func name(_ authority: String) -> String {
        let text = authority.hasPrefix("unix:") ? FilePath.name(of: authority) : authority
        let name = String(
            text.unicodeScalars.map {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789_.".unicodeScalars.contains($0))
                    ? Character($0) : "-"
            })
        let trimmed = name.trimmed("-.")
        return trimmed.isEmpty ? "server" : String(trimmed.prefix(50))
    }

    private func unique(_ name: String) -> String {
        var candidate = name
        var number = 2
        while written.contains(where: { $0.name == candidate }) {
            candidate = "\(name)-\(number)"
            number += 1
        }
        return candidate
    }
}

extension NginxTranslation {
    /// Settings that nginx has in locations and the gateway in upstreams.
    fileprivate func upstreamSettings(_ scope: NginxScope, isSecure: Bool) -> ConfigurationSection {
        var settings = ConfigurationSection()
        func time(_ name: String) -> (Int, NginxDirective)? {
            guard let directive = scope.nearest(name), let time = NginxQuantity.milliseconds(directive.first) else {
                return nil
            }
            carry(directive)
            return (min(max(time, 10), 86_400_000), directive)
        }
        func text(_ time: Int) -> String { Quantity.time(milliseconds: time, in: Quantity.day) }
        var longest = 0
        if let (value, directive) = time("proxy_connect_timeout") {
            settings.set("connect_timeout", text(value), directive.origin)
            longest = max(longest, value)
        }
        if let (value, directive) = time("proxy_send_timeout") {
            settings.set("send_timeout", text(value), directive.origin)
            longest = max(longest, value)
        }
        if let (value, directive) = time("proxy_read_timeout") {
            settings.set("response_timeout", text(value), directive.origin)
            settings.set("read_timeout", text(value), directive.origin)
            settings.set("tunnel_timeout", text(value), directive.origin)
            longest = max(longest, value)
            if value > 3_600_000 { settings.set("request_timeout", text(value), directive.origin) }
        }
        if longest > 3_600_000, settings["request_timeout"] == nil {
            settings.set("request_timeout", text(longest), .reason("it contains the others"))
        }
        addRetries(scope, to: &settings)
        if let size = scope.nearest("proxy_buffer_size"), let bytes = NginxQuantity.bytes(size.first), bytes > 64 << 10
        {
            carry(size)
            settings.set("response_head", Quantity.size(bytes, in: 1 << 10...1 << 20), size.origin)
        }
        if isSecure { settings.set("tls", upstreamTLS(scope), .reason("https")) }
        return settings
    }

    private func addRetries(_ scope: NginxScope, to settings: inout ConfigurationSection) {
        if let next = scope.nearest("proxy_next_upstream"), next.first == "off" {
            carry(next)
            settings.set("retries", "0", next.origin)
        } else if let tries = scope.nearest("proxy_next_upstream_tries"), let count = Int(tries.first), count > 0 {
            carry(tries)
            settings.set("retries", .number(min(count - 1, 10)), tries.origin)
        }
    }

    private func upstreamTLS(_ scope: NginxScope) -> ConfigurationSection {
        var tls = ConfigurationSection()
        if let verify = scope.nearest("proxy_ssl_verify"), verify.first == "on" {
            carry(verify)
            if let authorities = scope.nearest("proxy_ssl_trusted_certificate") {
                carry(authorities)
                tls.set("ca", file(authorities.first), authorities.origin)
            }
            tls.set("verify", "on", verify.origin)
        } else {
            let verify = scope.nearest("proxy_ssl_verify")
            if let verify { carry(verify) }
            tls.set("verify", "off", verify?.origin ?? .reason("nginx's default: any certificate; 'on' is safe"))
        }
        if let name = scope.nearest("proxy_ssl_name"), NginxText(name.first).isLiteral {
            carry(name)
            tls.set("server_name", name.first, name.origin)
        }
        if let versions = scope.nearest("proxy_ssl_protocols") {
            carry(versions)
            let isNew = versions.arguments == ["TLSv1.3"]
            tls.set("min", isNew ? "1.3" : "1.2", versions.origin)
        }
        if let chain = scope.nearest("proxy_ssl_certificate"), let key = scope.nearest("proxy_ssl_certificate_key") {
            carry(chain)
            carry(key)
            var certificate = ConfigurationSection()
            certificate.set("chain", file(chain.first), chain.origin)
            certificate.set("key", file(key.first), key.origin)
            tls.set("certificate", .section(certificate), chain.origin)
        }
        return tls
    }

    /// The servers of an `upstream` block, and how one is selected.
    fileprivate func addServers(
        _ definition: NginxDirective, isSecure: Bool, to upstream: inout ConfigurationSection
    ) {
        carry(definition)
        let block = definition.block ?? []
        var servers: [ConfigurationSection] = []
        var urls = Set<String>()
        for directive in block where directive.name == "server" {
            guard let server = self.server(directive, isSecure: isSecure) else { continue }
            guard case .text(let url)? = server["url"], urls.insert(url).inserted else {
                ledger.remark(directive.place, "the same server is there twice; it is carried over once")
                continue
            }
            servers.append(server)
        }
        guard !servers.isEmpty else { return }
        upstream.set("servers", .sections(servers), definition.origin)
        let hasBackups = servers.contains { $0["backup"] != nil }
        for directive in block { addSelection(directive, hasBackups: hasBackups, to: &upstream) }
        addPassiveChecks(block.filter { $0.name == "server" }, to: &upstream)
    }

    private func server(_ directive: NginxDirective, isSecure: Bool) -> ConfigurationSection? {
        let parameters = directive.arguments.dropFirst()
        if parameters.contains("down") {
            ledger.markUnneeded(directive.item, "it is marked down; add the server when it is up")
            return nil
        }
        if isSecure, directive.first.hasPrefix("unix:") {
            omit(directive, "TLS to a socket of the file system is not available")
            return nil
        }
        carry(directive)
        var address = directive.first.lowercased()
        if directive.first.hasPrefix("unix:") { address = directive.first }
        var server = ConfigurationSection()
        // A port is 80 in an upstream block, whatever the scheme.
        if !address.hasPrefix("unix:"), !address.drop(while: { $0 != "]" }).contains(":"),
            address.hasPrefix("[") || !address.contains(":"), isSecure
        {
            address += ":80"
        }
        let url = NginxUpstreams.Server(isSecure: isSecure, authority: address).url
        server.set("url", url, directive.origin)
        for parameter in parameters {
            let parts = parameter.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts[0], parts.count == 2 ? Int(parts[1]) : nil) {
            case ("weight", let weight?): server.set("weight", .number(min(max(weight, 1), 1000)), directive.origin)
            case ("backup", _): server.set("backup", "true", directive.origin)
            case ("max_conns", let count?) where count > 0:
                server.set("max_connections", .number(min(count, 1_000_000)), directive.origin)
            case ("max_fails", _), ("fail_timeout", _), ("resolve", _), ("max_conns", _): break
            default: ledger.remark(directive.place, "'\(parameter)' of the server is not carried over")
            }
        }
        return server
    }

    private func addSelection(
        _ directive: NginxDirective, hasBackups: Bool, to upstream: inout ConfigurationSection
    ) {
        switch directive.name {
        case "least_conn":
            carry(directive)
            upstream.set("balance", "least_connections", directive.origin)
        case "random":
            carry(directive)
            upstream.set("balance", "random_two", directive.origin)
        case "ip_hash":
            carry(directive)
            upstream.set("balance", "hash", directive.origin)
            upstream.set("hash_by", "address", directive.origin)
            ledger.remark(
                directive.place, "all of an IPv4 address counts; nginx's ip_hash takes its first three numbers")
        case "hash":
            guard let key = Self.key(directive.first) else {
                return omit(directive, "hash_by takes the address, a field or a cookie; servers are used in turn")
            }
            carry(directive)
            upstream.set("balance", "hash", directive.origin)
            upstream.set("hash_by", key.value(directive.origin), directive.origin)
        case "keepalive":
            guard let count = Int(directive.first) else { return }
            carry(directive)
            var kept = ConfigurationSection()
            kept.set("connections", .number(min(max(count, 0), 10_000)), directive.origin)
            if case .section(let section)? = upstream["keep_alive"] { kept.append(contentsOf: section) }
            upstream.set("keep_alive", .section(kept), directive.origin)
        case "keepalive_timeout":
            guard let time = NginxQuantity.milliseconds(directive.first) else { return }
            carry(directive)
            var kept = ConfigurationSection()
            if case .section(let section)? = upstream["keep_alive"] { kept = section }
            let text = Quantity.time(milliseconds: time, in: 100...86_400_000)
            kept.set("idle_timeout", text, directive.origin)
            upstream.set("keep_alive", .section(kept), directive.origin)
        default: break
        }
    }

    /// `max_fails` and `fail_timeout`, which nginx has for each server and the gateway for all.
    private func addPassiveChecks(_ servers: [NginxDirective], to upstream: inout ConfigurationSection) {
        func values(_ name: String) -> [(String, NginxDirective)] {
            servers.flatMap { server in
                server.arguments.filter { $0.hasPrefix(name + "=") }.map {
                    (String($0.dropFirst(name.count + 1)), server)
                }
            }
        }
        var passive = ConfigurationSection()
        if let (text, server) = values("max_fails").first, let fails = Int(text) {
            passive.set("fails", .number(min(max(fails, 0), 1000)), server.origin)
        }
        if let (text, server) = values("fail_timeout").first, let time = NginxQuantity.milliseconds(text) {
            let time = Quantity.time(milliseconds: time, in: 100...86_400_000)
            passive.set("within", time, server.origin)
            passive.set("eject", time, server.origin)
        }
        guard !passive.isEmpty else { return }
        for name in ["max_fails", "fail_timeout"] {
            let different = Set(values(name).map(\.0))
            if different.count > 1, let (_, server) = values(name).first {
                ledger.remark(server.place, "\(name) is that of the first server for all of them")
            }
        }
        var health = ConfigurationSection()
        health.set("passive", .section(passive), .reason("max_fails, fail_timeout"))
        upstream.set("health", .section(health), .reason("max_fails, fail_timeout"))
    }

    /// What requests have in common, by one of nginx's variables.
    static func key(_ text: String) -> NginxKey? {
        guard text.hasPrefix("$") else { return nil }
        let name = text.dropFirst().trimmingBraces
        switch true {
        case name == "remote_addr" || name == "binary_remote_addr" || name == "realip_remote_addr"
            || name == "http_x_forwarded_for" || name == "proxy_add_x_forwarded_for" || name == "http_x_real_ip":
            return .address
        case name == "server_name" || name == "host": return .route
        case name.hasPrefix("http_"): return .header(String(name.dropFirst(5)).replacing("_", with: "-"))
        case name.hasPrefix("cookie_"): return .cookie(String(name.dropFirst(7)))
        default: return nil
        }
    }
}

extension Substring {
    fileprivate var trimmingBraces: String { String(self).trimmed("{}") }
}

/// What is counted or hashed together.
enum NginxKey: Equatable {
    case address, route
    case header(String)
    case cookie(String)

    func value(_ origin: Origin) -> ConfigurationValue {
        var section = ConfigurationSection()
        switch self {
        case .address: return .text("address")
        case .route: return .text("route")
        case .header(let name): section.set("header", name, origin)
        case .cookie(let name): section.set("cookie", name, origin)
        }
        return .section(section)
    }
}
