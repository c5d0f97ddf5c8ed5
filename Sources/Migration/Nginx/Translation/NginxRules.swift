/// A zone of `limit_req_zone` or `limit_conn_zone`.
struct NginxLimitZone {
    var directive: NginxDirective
    var key: NginxKey
    /// `5/s`; nil for connections.
    var rate: String?
}

extension NginxTranslation {
    /// What applies to a location besides its action.
    ///
    /// - Parameter isSite: whether these are the rules of the server, which the site itself has.
    func rules(in scope: NginxScope, _ server: NginxServer, isSite: Bool) -> ConfigurationSection {
        var rules = ConfigurationSection()
        addLimits(scope, to: &rules)
        if !isSite { addAccess(scope, server, isInherited: false, to: &rules) }
        addForwardAuth(scope, server, to: &rules)
        if let size = bodySize(scope), let bytes = NginxQuantity.bytes(size.first) {
            carry(size)
            rules.set("request_body", Self.bodySize(bytes), size.origin)
        }
        rules.append(contentsOf: headerRules(in: scope, server, isSite: isSite))
        if !isSite, let own = scope.own("gzip").last { addCompression(own, scope, to: &rules) }
        if !isSite, !scope.own("access_log").isEmpty {
            rules.append(contentsOf: logs.choice(scope.own("access_log"), self))
        }
        return rules
    }

    /// The limit of a server or a location; that of `http` is the gateway's.
    private func bodySize(_ scope: NginxScope) -> NginxDirective? {
        guard let nearest = scope.nearest("client_max_body_size"),
            !http.own("client_max_body_size").contains(where: { $0.id == nearest.id })
        else { return nil }
        return nearest
    }

    // MARK: Limits

    func readLimitZones() {
        for directive in http.own("limit_req_zone") + http.own("limit_conn_zone") {
            guard let zone = directive.arguments.first(where: { $0.hasPrefix("zone=") }) else { continue }
            let name = String(zone.dropFirst(5).prefix { $0 != ":" })
            let rate = directive.arguments.first { $0.hasPrefix("rate=") }
                .map { String($0.dropFirst(5)).replacing("r/", with: "/") }
            guard let key = Self.key(directive.first), rate == nil || rate?.contains("/") == true else {
                omit(directive, "limits count by address, field, cookie or route; see 'limit' of routes")
                continue
            }
            limitZones[name] = NginxLimitZone(directive: directive, key: key, rate: rate)
        }
    }

    private func addLimits(_ scope: NginxScope, to rules: inout ConfigurationSection) {
        var limit = ConfigurationSection()
        for directive in scope.all("limit_req") {
            let name = directive.arguments.first { $0.hasPrefix("zone=") }.map { String($0.dropFirst(5)) } ?? ""
            guard let zone = limitZones[name], let rate = zone.rate, limit["rate"] == nil else {
                let advice = limit["rate"] == nil ? "its zone is not carried over" : "a route has one limit of the rate"
                omit(directive, advice)
                continue
            }
            carry(directive)
            carry(zone.directive)
            let burst = directive.arguments.first { $0.hasPrefix("burst=") }.flatMap { Int($0.dropFirst(6)) } ?? 0
            var section = ConfigurationSection()
            section.set("requests", rate, zone.directive.origin)
            section.set("burst", .number(min(max(burst, 0), 999_999) + 1), directive.origin)
            if zone.key != .address { section.set("by", zone.key.value(zone.directive.origin), zone.directive.origin) }
            limit.set("rate", .section(section), directive.origin)
            ledger.remark(
                directive.place,
                "requests beyond the limit are answered 429 and never delayed, and each route counts alone")
        }
        for directive in scope.all("limit_conn") where directive.arguments.count == 2 {
            guard let zone = limitZones[directive.first], zone.rate == nil, let count = Int(directive.arguments[1]),
                limit["concurrency"] == nil
            else {
                omit(
                    directive,
                    limit["concurrency"] == nil ? "its zone is not carried over" : "a route has one such limit")
                continue
            }
            carry(directive)
            carry(zone.directive)
            var section = ConfigurationSection()
            section.set("requests", .number(min(max(count, 1), 1_000_000)), directive.origin)
            if zone.key != .address { section.set("by", zone.key.value(zone.directive.origin), zone.directive.origin) }
            limit.set("concurrency", .section(section), directive.origin)
        }
        rules.set("limit", limit, .reason("limit_req, limit_conn"))
    }

    // MARK: Access

    /// `allow` and `deny` in an order that the gateway's lists do not have; nil where they can be carried over.
    func complexAccess(_ scope: NginxScope) -> NginxDirective? {
        let directives = Self.accessList(scope)
        guard accessRules(directives) == nil else { return nil }
        let advice = "allow and deny alternate: write 'deny' and 'allow' so that deny comes first. It is answered 501"
        for directive in directives { omit(directive, advice) }
        return directives.first
    }

    private static func accessList(_ scope: NginxScope) -> [NginxDirective] {
        var one: NginxScope? = scope
        while let current = one {
            let found = current.directives.filter { $0.name == "allow" || $0.name == "deny" }
            if !found.isEmpty { return found }
            one = current.parent
        }
        return []
    }

    /// nginx takes the first rule that matches. The gateway denies what `deny` has, and then what `allow` has not.
    private func accessRules(_ directives: [NginxDirective]) -> (allow: [NginxDirective]?, deny: [NginxDirective])? {
        var allow: [NginxDirective] = []
        var deny: [NginxDirective] = []
        for directive in directives {
            if directive.first == "all" {
                if directive.name == "deny" { return (allow, deny) }
                // Whoever was allowed before must not be in a network that was denied after.
                return Self.isOrdered(directives) ? (nil, deny) : nil
            }
            guard directive.first.first.map({ $0.isNumber || $0 == ":" || $0.isHexDigit }) ?? false,
                !directive.first.contains("$")
            else { return nil }
            if directive.name == "allow" { allow.append(directive) } else { deny.append(directive) }
            if !Self.isOrdered(directives) { return nil }
        }
        // Without a last rule everybody else is allowed.
        return (nil, deny)
    }

    /// Whether every `deny` of a network comes before every `allow` of one.
    private static func isOrdered(_ directives: [NginxDirective]) -> Bool {
        let networks = directives.filter { $0.first != "all" }
        guard let firstAllow = networks.firstIndex(where: { $0.name == "allow" }) else { return true }
        return !networks[firstAllow...].contains { $0.name == "deny" }
    }

    /// Access rules of a location's own, or of a server with what it inherits.
    func addAccess(
        _ scope: NginxScope, _ server: NginxServer, isInherited: Bool, to rules: inout ConfigurationSection
    ) {
        let own = scope.directives.filter { $0.name == "allow" || $0.name == "deny" }
        let directives = isInherited ? Self.accessList(scope) : own
        if let (allow, deny) = accessRules(directives), let first = directives.first {
            for directive in directives { carry(directive) }
            if let allow {
                let all = ConfigurationValue.texts(allow.isEmpty ? [] : allow.map(\.first))
                if allow.isEmpty {
                    rules.set("deny", .texts(["0.0.0.0/0", "::/0"]), first.origin)
                } else {
                    rules.set("allow", all, allow[0].origin)
                }
            }
            if !deny.isEmpty, rules["deny"] == nil { rules.set("deny", .texts(deny.map(\.first)), deny[0].origin) }
            if allow == nil, deny.isEmpty, !isInherited {
                rules.set("allow", .texts(["0.0.0.0/0", "::/0"]), first.origin)
            }
        }
        let basics = isInherited ? scope.all("auth_basic") : scope.own("auth_basic")
        guard let basic = basics.last else { return }
        carry(basic)
        guard basic.first != "off" else {
            if !isInherited { rules.set("basic_auth", "off", basic.origin) }
            return
        }
        var section = ConfigurationSection()
        if let users = scope.nearest("auth_basic_user_file") {
            carry(users)
            section.set("users", file(users.first), users.origin)
        } else {
            section.set("users", "/nonexistent", .reason("auth_basic_user_file is missing"))
            omit(basic, "it has no auth_basic_user_file")
        }
        section.set("realm", basic.first, basic.origin)
        rules.set("basic_auth", .section(section), basic.origin)
        if let satisfy = scope.nearest("satisfy"), satisfy.first == "any" {
            omit(satisfy, "both the address and the password are required; add a route with when.from for addresses")
        }
    }

    /// `auth_request`, whose location has to forward the subrequest.
    private func addForwardAuth(_ scope: NginxScope, _ server: NginxServer, to rules: inout ConfigurationSection) {
        guard let directive = scope.nearest("auth_request"), directive.first != "off" else { return }
        let candidates = server.scope.directives.compactMap { NginxLocation($0, in: server.scope, ledger) }
            .filter {
                $0.kind == .exact && $0.pattern == directive.first
                    || $0.isPrefix && directive.first.hasPrefix($0.pattern)
            }
        let location = candidates.max { $0.pattern.count < $1.pattern.count || $1.kind == .exact }
        guard let location, let pass = location.scope.own("proxy_pass").last, let target = target(of: pass, location)
        else {
            omit(directive, "forward_auth needs a server that decides; requests are refused until it is written")
            rules.set("deny", .texts(["0.0.0.0/0", "::/0"]), directive.origin)
            return
        }
        carry(directive)
        carry(pass)
        var section = ConfigurationSection()
        section.set("to", upstreams.use(target.server, pass, location.scope, self), pass.origin)
        let path = target.path ?? directive.first
        section.set("path", NginxText(path).isLiteral ? path : directive.first, pass.origin)
        var copied: [String] = []
        for set in scope.all("auth_request_set") where set.arguments.count == 2 {
            let variable = set.arguments[1]
            guard variable.hasPrefix("$upstream_http_") else {
                omit(set, "forward_auth.copy_headers copies fields of the response")
                continue
            }
            carry(set)
            let name = String(variable.dropFirst("$upstream_http_".count)).replacing("_", with: "-")
            if !copied.contains(name) { copied.append(name) }
            ledger.remark(set.place, "the field '\(name)' goes to the server by that name")
        }
        copied.removeAll { ["set-cookie", "www-authenticate"].contains($0) }
        if !copied.isEmpty { section.set("copy_headers", .texts(copied), directive.origin) }
        rules.set("forward_auth", .section(section), directive.origin)
    }
}
