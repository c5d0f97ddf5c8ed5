extension NginxTranslation {
    /// The sites of a server: one for the listeners where it answers for unknown hosts, and one for the others; and one
    /// for each condition on the host or the scheme that redirects.
    func sites(for server: NginxServer, _ listeners: NginxListeners) throws(MigrationError) -> [ConfigurationSection] {
        let certificates = certificates(server.scope)
        var served = listeners.of(server)
        if served.isEmpty { omitServer(server, "it has no address that the gateway can listen on"); return [] }
        if let reject = server.scope.nearest("ssl_reject_handshake"), reject.first == "on" {
            served = served.filter { !$0.listener.usesTLS }
            ledger.markUnneeded(
                reject.item, "set tls.unknown_names: reject on the listener, and give no site the host \"*\"")
        } else if certificates.isEmpty, served.contains(where: \.listener.usesTLS) {
            served = served.filter { !$0.listener.usesTLS }
            ledger.remark(server.directive.place, "the server has no certificate, so it is not served with TLS")
        }
        let split = SiteSplit(server, self)
        var sites: [ConfigurationSection] = []
        for isDefault in [false, true] {
            let same = served.filter { $0.isDefault == isDefault }.map(\.listener)
            let kinds = split.hasSchemeRule ? [same.filter { !$0.usesTLS }, same.filter(\.usesTLS)] : [same]
            for listeners in kinds where !listeners.isEmpty {
                sites += try self.sites(server, on: listeners, isDefault: isDefault, certificates, split)
            }
        }
        if sites.isEmpty { omitServer(server, "no request reaches it: it has no host name, or no certificate for TLS") }
        return sites
    }

    private func omitServer(_ server: NginxServer, _ advice: String) { omit(server.directive, advice) }

    private func sites(
        _ server: NginxServer, on listeners: [NginxListeners.Listener], isDefault: Bool,
        _ certificates: [ConfigurationSection], _ split: SiteSplit
    ) throws(MigrationError) -> [ConfigurationSection] {
        var hosts = server.hosts.filter { claim($0, on: listeners, server) }
        if isDefault { hosts.append("*") }
        guard !hosts.isEmpty else { return [] }
        let usesTLS = listeners.allSatisfy(\.usesTLS) ? true : listeners.contains(where: \.usesTLS) ? nil : false
        func site(_ hosts: [String], _ routes: [ConfigurationSection]) -> ConfigurationSection {
            self.site(server, hosts, listeners, usesTLS == false ? [] : certificates, routes)
        }
        if let redirect = split.schemeRule(usesTLS: usesTLS) {
            return [site(hosts, split.routes(redirect, self, usesTLS: usesTLS))]
        }
        var sites: [ConfigurationSection] = []
        for rule in split.hostRules {
            let chosen = rule.isEqual ? hosts.filter { $0 == rule.host } : hosts.filter { $0 != rule.host }
            guard !chosen.isEmpty, rule.isEqual || hosts.contains(rule.host) else { continue }
            sites.append(site(chosen, split.routes(rule.directive, self, usesTLS: usesTLS)))
            hosts.removeAll(where: chosen.contains)
        }
        if !hosts.isEmpty { sites.append(site(hosts, try routes(of: server, usesTLS: usesTLS))) }
        return sites
    }

    /// A host belongs to the first server that names it, as in nginx.
    private func claim(_ host: String, on listeners: [NginxListeners.Listener], _ server: NginxServer) -> Bool {
        let claims = listeners.map { "\($0.name) \(host)" }
        guard claims.allSatisfy({ claimed[$0] == nil }) else {
            ledger.remark(
                server.directive.place, "the host '\(host)' is already that of an earlier server on the same address")
            return false
        }
        for claim in claims { claimed[claim] = true }
        return true
    }

    private func site(
        _ server: NginxServer, _ hosts: [String], _ listeners: [NginxListeners.Listener],
        _ certificates: [ConfigurationSection], _ routes: [ConfigurationSection]
    ) -> ConfigurationSection {
        let scope = server.scope
        let origin = scope.own("server_name").first?.origin ?? server.directive.origin
        var site = ConfigurationSection()
        site.set("hosts", .texts(hosts), origin)
        site.set("listen", .texts(listeners.map(\.name)), scope.own("listen").first?.origin ?? server.directive.origin)
        if !certificates.isEmpty {
            site.set("certificates", .sections(certificates), scope.all("ssl_certificate")[0].origin)
            site.set("tls", tlsSettings(scope), server.directive.origin)
            addClientCertificates(scope, to: &site)
        }
        addAccess(scope, server, isInherited: true, to: &site)
        addErrorPages(scope, routes, to: &site)
        if let gzip = scope.nearest("gzip"), gzip.first == "on" { addCompression(gzip, scope, to: &site) }
        site.set("headers", siteHeaders(server), .reason("add_header"))
        site.append(contentsOf: logs.choice(scope.all("access_log"), self))
        site.set("routes", .sections(routes), server.directive.origin)
        return site
    }

    /// `error_page` of a server; locations have those of their site.
    private func addErrorPages(
        _ scope: NginxScope, _ routes: [ConfigurationSection], to site: inout ConfigurationSection
    ) {
        var pages = ConfigurationSection()
        for directive in scope.all("error_page") {
            let words = directive.arguments
            let target = words.last ?? ""
            guard words.count >= 2, target.hasPrefix("/"), NginxText(target).isLiteral,
                !words.dropFirst().contains(where: { $0.hasPrefix("=") })
            else {
                omit(directive, "error_pages take a file or a path of the site, and keep the status")
                continue
            }
            let path = String(target.prefix { $0 != "?" })
            let isClosed = routes.contains { route in
                if case .text(path)? = route["path"], case .section(let respond)? = route["respond"] {
                    return respond["status"] == .text("404")
                }
                return false
            }
            var page = ConfigurationSection()
            if isClosed {
                let internalRoot = server(scope, root: path)
                page.set("file", FilePath.normal(content(internalRoot) + path), directive.origin)
            } else {
                guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }),
                    Self.isAnswered(path, routes)
                else {
                    omit(directive, "no route answers '\(path)'; name a file in error_pages")
                    continue
                }
                page.set("route", target, directive.origin)
            }
            let statuses = words.dropLast().compactMap { Int($0) }.filter { (400...599).contains($0) }
            guard !statuses.isEmpty else {
                omit(directive, "error pages are for statuses from 400 to 599")
                continue
            }
            carry(directive)
            for status in statuses { pages.set(String(status), .section(page), directive.origin) }
        }
        site.set("error_pages", pages, .reason("error_page"))
    }

    /// The root of the location that is for internal requests only.
    private func server(_ scope: NginxScope, root path: String) -> String {
        let location = scope.own("location").first { $0.arguments.last == path }
        let own = location?.block?.first { $0.name == "root" }
        return own?.first ?? scope.nearest("root")?.first ?? "html"
    }

    private static func isAnswered(_ path: String, _ routes: [ConfigurationSection]) -> Bool {
        routes.contains { route in
            guard case .text(let pattern)? = route["path"] else { return route["match"] != nil }
            return pattern.hasSuffix("*") ? path.hasPrefix(pattern.dropLast()) : pattern == path
        }
    }
}

/// Conditions of a server that are about the host or the scheme, which sites and listeners decide here.
struct SiteSplit {
    struct HostRule {
        var host: String
        /// `=` or `!=`.
        var isEqual: Bool
        var directive: NginxDirective
    }

    private(set) var hostRules: [HostRule] = []
    private var plainRule: NginxDirective?
    private let server: NginxServer

    var hasSchemeRule: Bool { plainRule != nil }

    init(_ server: NginxServer, _ translation: NginxTranslation) {
        self.server = server
        for directive in server.scope.own("if") {
            guard let test = NginxCondition(directive), let block = directive.block, block.count == 1,
                let answer = block.first, Self.isRedirect(answer)
            else { continue }
            let value = test.value.trimmed("\"'^$").lowercased()
            switch (test.variable, test.comparison) {
            case ("scheme", "=") where value == "http", ("scheme", "!=") where value == "https",
                ("https", "=") where value.isEmpty, ("https", "!=") where value == "on",
                ("server_port", "=") where value == "80", ("server_port", "!=") where value == "443",
                ("ssl_protocol", "=") where value.isEmpty:
                plainRule = answer
            case ("host", "="), ("http_host", "="):
                hostRules.append(HostRule(host: value, isEqual: true, directive: answer))
            case ("host", "!="), ("http_host", "!="):
                hostRules.append(HostRule(host: value, isEqual: false, directive: answer))
            default: continue
            }
            translation.carry(directive)
            translation.carry(answer)
        }
    }

    private static func isRedirect(_ directive: NginxDirective) -> Bool {
        if directive.name == "return" { return true }
        return directive.name == "rewrite" && directive.arguments.count > 2
            && ["^", "^(.*)$", "^(.*)", "^/(.*)$", "^.*$", "^.*", "^/(.*)", "(.*)"].contains(directive.first)
    }

    func schemeRule(usesTLS: Bool?) -> NginxDirective? { usesTLS == false ? plainRule : nil }

    /// The routes of a site that does nothing else.
    func routes(_ directive: NginxDirective, _ translation: NginxTranslation, usesTLS: Bool?) -> [ConfigurationSection]
    {
        var builder = NginxRouteBuilder(server: server, usesTLS: usesTLS, translation: translation)
        if directive.name == "return" {
            let rules = translation.answer(directive, in: server.scope, server, usesTLS: usesTLS)
            builder.add(rules, .all, directive.origin)
        } else {
            builder.addRewrite(directive, in: server.scope, nil, .all)
            if builder.routes.isEmpty { builder.addClosed(directive, .all, directive.origin) }
        }
        return builder.routes
    }
}
