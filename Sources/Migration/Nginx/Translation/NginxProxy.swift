extension NginxTranslation {
    /// The action `proxy` of a location; nil, with a finding, when its server cannot be told.
    ///
    /// - Parameter rewrite: the path for the server, by a `rewrite` of the location.
    func proxy(
        _ pass: NginxDirective, _ location: NginxLocation, _ paths: RoutePaths, _ server: NginxServer,
        rewrite: (path: String, directive: NginxDirective)? = nil
    ) -> (rules: ConfigurationSection, paths: RoutePaths)? {
        guard let target = target(of: pass, location) else {
            omit(pass, "the server depends on the request; name an upstream. The paths are answered 501")
            return nil
        }
        carry(pass)
        var proxy = ConfigurationSection()
        var paths = paths
        proxy.set("to", upstreams.use(target.server, pass, location.scope, self), pass.origin)
        if let rewrite {
            proxy.set("rewrite", rewrite.path, rewrite.directive.origin)
        } else if let path = target.path {
            guard addPath(path, location, &paths, to: &proxy, pass) else {
                omit(pass, "the path for the server cannot be made of the path of the request. It is answered 501")
                return nil
            }
        }
        if let buffering = location.scope.nearest("proxy_request_buffering"), buffering.first == "on" {
            carry(buffering)
            proxy.set("buffer", "request", buffering.origin)
        }
        addRequestFields(location.scope, to: &proxy, pass)
        var rules = ConfigurationSection()
        rules.set("proxy", .section(proxy), pass.origin)
        return (rules, paths)
    }

    /// The server that `proxy_pass` names, and the path if it has one.
    func target(of pass: NginxDirective, _ location: NginxLocation) -> (server: NginxUpstreams.Server, path: String?)? {
        var text = expanded(pass.first, in: location.scope)
        for same in ["${request_uri}", "${uri}$is_args$args", "${uri}${is_args}${args}", "${uri}"]
        where text.hasSuffix(same) {
            text = String(text.dropLast(same.count))
            if pass.first.contains("$"), let resolver = location.scope.nearest("resolver") { needsResolver = resolver }
            break
        }
        if pass.first.contains("$"), needsResolver == nil { needsResolver = location.scope.nearest("resolver") }
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return nil }
        let rest = text.dropFirst(scheme.count)
        if rest.hasPrefix("unix:") {
            let parts = rest.dropFirst(5).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let path = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
            guard let socket = parts.first, NginxText(String(socket)).isLiteral, scheme == "http://" else { return nil }
            return (NginxUpstreams.Server(isSecure: false, authority: "unix:" + socket), path)
        }
        let authority = String(rest.prefix { $0 != "/" && $0 != "?" })
        guard NginxText(authority).isLiteral, !authority.isEmpty, !authority.contains("@") else { return nil }
        let path = String(rest.dropFirst(authority.count))
        return (
            NginxUpstreams.Server(isSecure: scheme == "https://", authority: authority.lowercased()),
            path.isEmpty ? nil : path
        )
    }

    /// nginx replaces the location's text in the path by that of `proxy_pass`.
    private func addPath(
        _ path: String, _ location: NginxLocation, _ paths: inout RoutePaths, to proxy: inout ConfigurationSection,
        _ pass: NginxDirective
    ) -> Bool {
        let path = path.hasPrefix("/") ? path : "/" + path
        let pieces = NginxText(path)
        guard pieces.isLiteral else {
            // Only the groups of the location's own expression are known.
            guard location.isExpression, let template = NginxRouteBuilder.pathTemplate(path) else { return false }
            proxy.set("rewrite", template, pass.origin)
            return true
        }
        guard !path.contains("?"), !path.contains("#") else { return false }
        let encoded = Self.encoded(path)
        switch location.kind {
        case .exact:
            proxy.set("rewrite", encoded, pass.origin)
            if paths.expression == nil { paths.expression = RoutePaths.quoted(location.pattern) }
            return true
        case .prefix, .firmPrefix:
            if encoded == location.pattern { return true }
            let isPlain =
                RoutePaths.isPath(location.pattern) && !location.pattern.contains("%") && !encoded.contains("%")
            if location.pattern.hasSuffix("/"), encoded.hasSuffix("/"), isPlain {
                if location.pattern != "/" {
                    proxy.set("strip_prefix", String(location.pattern.dropLast()), location.origin)
                }
                if encoded != "/" { proxy.set("add_prefix", String(encoded.dropLast()), pass.origin) }
            } else {
                paths = RoutePaths(expression: RoutePaths.quoted(location.pattern) + "((?s:.*))")
                proxy.set("rewrite", encoded + "{1}", pass.origin)
            }
            return true
        case .named:
            return encoded == "/"
        case .expression:
            return false
        }
    }

    /// `proxy_set_header`, and what nginx sends without it.
    private func addRequestFields(_ scope: NginxScope, to proxy: inout ConfigurationSection, _ pass: NginxDirective) {
        var set = ConfigurationSection()
        var removed: [String] = []
        var removal: NginxDirective?
        var host: (value: String, origin: Origin) = ("server", .reason("nginx's default: $proxy_host"))
        for directive in scope.all("proxy_set_header") where directive.arguments.count == 2 {
            let (name, value) = (directive.first, expanded(directive.arguments[1], in: scope))
            switch name.lowercased() {
            case "host":
                carry(directive)
                if let chosen = Self.host(value) {
                    host = (chosen, directive.origin)
                } else {
                    omit(directive, "'host' takes client, server or a name; it is the client's")
                    host = ("client", directive.origin)
                }
            case "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
                "forwarded",
                "x-request-id", "x-forwarded-server", "via":
                if NginxText(value).isLiteral, !value.isEmpty {
                    carry(directive)
                    set.set(name, value, directive.origin)
                } else {
                    ledger.markUnneeded(directive.item, "the gateway writes this field itself")
                }
            case "connection", "upgrade", "proxy-connection", "keep-alive", "content-length", "transfer-encoding", "te":
                ledger.markUnneeded(directive.item, "connections are kept, and a switch of protocols passes through")
            default:
                if value.isEmpty {
                    carry(directive)
                    removed.append(name)
                    removal = directive
                } else if NginxText(value).isLiteral, Self.isFieldValue(value) {
                    carry(directive)
                    set.set(name, value, directive.origin)
                } else if value == "${http_\(name.lowercased().replacing("-", with: "_"))}" {
                    ledger.markUnneeded(directive.item, "fields of the client are forwarded")
                } else if value == "${scheme}" || value == "${remote_addr}" || value == "${host}" {
                    omit(directive, "have the server read X-Forwarded-Proto, X-Real-IP or X-Forwarded-Host")
                } else {
                    omit(directive, "'headers' of 'proxy' sets fixed values; the client's field is forwarded")
                }
            }
        }
        proxy.set("host", host.value, host.origin)
        var headers = ConfigurationSection()
        headers.set("set", set, pass.origin)
        if let removal { headers.set("remove", .texts(removed), removal.origin) }
        proxy.set("headers", headers, .reason("proxy_set_header"))
    }

    private static func host(_ value: String) -> String? {
        switch value {
        case "${host}", "${http_host}", "${host}:${server_port}", "${http_host}:${server_port}", "${server_name}",
            "${host}:${proxy_port}", "${best_http_host}":
            return "client"
        case "${proxy_host}", "${proxy_host}:${proxy_port}": return "server"
        default:
            let name = value.lowercased()
            let isName =
                NginxText(value).isLiteral && !name.isEmpty
                && name.utf8.allSatisfy { isLetterOrDigit($0) || "-_.:".utf8.contains($0) }
            return isName ? name : nil
        }
    }

    static func isFieldValue(_ value: String) -> Bool {
        guard let first = value.utf8.first, let last = value.utf8.last, first > 0x20, last > 0x20 else { return false }
        return value.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7E).contains($0) }
    }
}
