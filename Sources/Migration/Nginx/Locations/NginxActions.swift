extension NginxRouteBuilder {
    /// Adds the routes of a location, or of the server for what no location matches.
    mutating func addActions(in scope: NginxScope, location: NginxLocation?, _ paths: RoutePaths, _ origin: Origin) {
        if let location, scope.own("internal").first != nil {
            translation.carry(scope.own("internal")[0])
            var action = ConfigurationSection()
            action.set("respond", .section(Self.status(404)), .place(scope.own("internal")[0].place))
            return add(action, paths, location.origin)
        }
        if let refusal = closingRule(scope) {
            return addClosed(refusal, paths, origin)
        }
        // The rewrite module's directives run in their order.
        for directive in location == nil ? [] : scope.directives {
            switch directive.name {
            case "return":
                let rules = translation.answer(directive, in: scope, server, usesTLS: usesTLS)
                return add(rules, paths, directive.origin)
            case "if": addCondition(directive, in: scope, paths)
            case "rewrite": addRewrite(directive, in: scope, location, paths)
            default: break
            }
        }
        var when = ConfigurationSection()
        if let limit = scope.own("limit_except").last { when = methods(limit) }
        let isLimited = !when.isEmpty
        guard var action = action(in: scope, location, paths) else { return }
        action.rules.append(contentsOf: translation.rules(in: scope, server, isSite: location == nil))
        add(action.rules, action.paths, origin, when: when)
        if isLimited {
            var refusal = ConfigurationSection()
            refusal.set("respond", .section(Self.status(403)), .place(scope.own("limit_except")[0].place))
            add(refusal, paths, origin)
        }
    }

    /// `limit_except` that refuses all other methods.
    private func methods(_ directive: NginxDirective) -> ConfigurationSection {
        translation.carry(directive)
        for inner in directive.block ?? [] {
            if inner.name == "deny", inner.first == "all" {
                translation.carry(inner)
            } else {
                translation.omit(
                    inner, "other methods are answered 403 for everybody; add a route with their conditions")
            }
        }
        var when = ConfigurationSection()
        when.set("methods", .texts(directive.arguments.map { $0.uppercased() }), directive.origin)
        return when
    }

    /// A rule about who may send a request that cannot be carried over: the location stays closed.
    private func closingRule(_ scope: NginxScope) -> NginxDirective? {
        let names = [
            "auth_jwt", "auth_ldap", "auth_pam", "auth_gss", "secure_link", "access_by_lua_block",
            "access_by_lua_file", "auth_digest", "auth_request_by_lua",
        ]
        for name in names {
            guard let rule = scope.nearest(name), rule.first != "off" else { continue }
            translation.omit(
                rule, "requests that it decides about are answered 501; see allow, basic_auth, forward_auth")
            return rule
        }
        return translation.complexAccess(scope)
    }

    /// Adds a route that refuses, in place of one that cannot be carried over.
    mutating func addClosed(_ directive: NginxDirective, _ paths: RoutePaths, _ origin: Origin) {
        add(translation.closed(directive), paths, origin)
    }

    private typealias Action = (rules: ConfigurationSection, paths: RoutePaths)

    /// The action of a location, perhaps for more exact paths.
    private mutating func action(in scope: NginxScope, _ location: NginxLocation?, _ paths: RoutePaths) -> Action? {
        let foreign = [
            "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "stub_status", "empty_gif",
            "content_by_lua_block", "content_by_lua_file", "content_by_lua", "perl", "js_content", "rtmp_stat",
            "status",
            "proxy_pass_to", "postgres_pass", "redis_pass", "drizzle_pass", "echo", "passenger_enabled", "mp4", "flv",
            "dav_methods", "api", "check_status", "vhost_traffic_status_display", "rds_json",
        ]
        if let location {
            if let pass = location.scope.own("proxy_pass").last {
                return translation.proxy(pass, location, paths, server) ?? (translation.closed(pass), paths)
            }
            if let pass = location.scope.directives.first(where: { foreign.contains($0.name) && $0.first != "off" }) {
                translation.omit(
                    pass, NginxKnowledge.advice(of: pass.name) ?? "no such content; paths are answered 501")
                return (translation.closed(pass), paths)
            }
        }
        if let tries = scope.own("try_files").last ?? (location == nil ? scope.nearest("try_files") : nil) {
            if let action = fallback(tries, scope, location, paths) { return action }
        }
        return files(in: scope, location, paths)
    }

    // MARK: Files

    /// `root` or `alias`.
    private func files(in scope: NginxScope, _ location: NginxLocation?, _ paths: RoutePaths) -> Action? {
        var files = ConfigurationSection()
        var paths = paths
        if let location, let alias = scope.own("alias").last {
            guard let (folder, strip, path) = self.alias(alias, location) else {
                translation.omit(
                    alias, "name the folder in 'files', with the part of the path to leave out in strip_prefix")
                return (translation.closed(alias), paths)
            }
            translation.carry(alias)
            files.set("root", translation.content(folder), alias.origin)
            if !strip.isEmpty { files.set("strip_prefix", strip, alias.origin) }
            if let path { paths = path }
        } else {
            let root = scope.nearest("root")
            let folder = root.map { translation.expanded($0.first, in: scope) } ?? "html"
            if let root, NginxText(folder).isLiteral == false {
                translation.omit(root, "a folder cannot be chosen by the request; add a site for each")
                return (translation.closed(root), paths)
            }
            if let root { translation.carry(root) }
            files.set("root", translation.content(folder), root?.origin ?? .reason("nginx's default"))
        }
        translation.addFileSettings(scope, to: &files)
        var rules = ConfigurationSection()
        rules.set("files", .section(files), location?.origin ?? server.directive.origin)
        return (rules, paths)
    }

    /// The folder of an alias, the prefix to strip, and the paths if they have to be others.
    private func alias(
        _ alias: NginxDirective, _ location: NginxLocation
    ) -> (folder: String, strip: String, paths: RoutePaths?)? {
        let target = translation.expanded(alias.first, in: location.scope)
        guard NginxText(target).isLiteral else { return nil }
        switch location.kind {
        case .exact:
            // The file has the name that is requested.
            let name = FilePath.name(of: location.pattern)
            guard !name.isEmpty, FilePath.name(of: target) == name else { return nil }
            let strip = FilePath.folder(of: location.pattern)
            return (FilePath.folder(of: target), strip == "/" ? "" : strip, nil)
        case .prefix, .firmPrefix:
            let isFolder = location.pattern.hasSuffix("/")
            let strip = isFolder ? String(location.pattern.dropLast()) : location.pattern
            guard strip.isEmpty || RoutePaths.isPath(strip) else { return nil }
            // Only text that ends with a slash, or is joined by the one of the request, leads into the folder.
            if isFolder, !target.hasSuffix("/") { return nil }
            return (target, strip, isFolder ? nil : RoutePaths(path: strip + "/*"))
        default: return nil
        }
    }

    /// `try_files`, by its last argument.
    private mutating func fallback(
        _ tries: NginxDirective, _ scope: NginxScope, _ location: NginxLocation?, _ paths: RoutePaths
    ) -> Action? {
        translation.carry(tries)
        let candidates = tries.arguments.dropLast()
        let last = tries.arguments.last ?? ""
        for name in candidates where !["$uri", "$uri/", "${uri}", "${uri}/"].contains(name) {
            translation.ledger.remark(tries.place, "try_files: '\(name)' is not tried; only the path itself is a file")
        }
        guard !last.hasPrefix("=") else {
            if last != "=404" { translation.ledger.remark(tries.place, "files that do not exist are answered 404") }
            return nil
        }
        if last.hasPrefix("@"), let target = named[last] {
            if let pass = target.scope.own("proxy_pass").last {
                translation.ledger.remark(
                    tries.place,
                    "every request goes to the server, also for files below the root; add routes with 'files' "
                        + "for folders of files before it")
                return translation.proxy(pass, target, paths, server) ?? (translation.closed(pass), paths)
            }
            translation.omit(
                tries, "files are served; what \(last) answers is not carried over, such paths are answered 404")
            return nil
        }
        let path = String(last.prefix { $0 != "?" })
        guard NginxText(path).isLiteral, path.hasPrefix("/"), path.count > 1 else {
            translation.omit(tries, "files are served; other paths are answered 404. See 'fallback' of 'files'")
            return nil
        }
        if let dynamic = dynamicLocation(of: path) {
            if let pass = dynamic.scope.own("proxy_pass").last {
                translation.ledger.remark(
                    tries.place, "every request goes to the server; it gets the path of the client")
                return translation.proxy(pass, dynamic, paths, server) ?? (translation.closed(pass), paths)
            }
            translation.omit(
                tries,
                "files are served; '\(path)' is not: \(dynamic.directive.place) is not carried over, so other paths "
                    + "are answered 404")
            return nil
        }
        guard var action = files(in: scope, location, paths), case .section(var files)? = action.rules["files"] else {
            return nil
        }
        var relative = String(path.drop { $0 == "/" })
        if case .text(let strip)? = files["strip_prefix"], path.hasPrefix(strip + "/") {
            relative = String(path.dropFirst(strip.count + 1))
        }
        files.set("fallback", "/" + relative, tries.origin)
        action.rules.set("files", .section(files), tries.origin)
        return action
    }

    /// The location that answers a path, if it is not about files.
    private func dynamicLocation(of path: String) -> NginxLocation? {
        let passes = ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"]
        func isDynamic(_ location: NginxLocation) -> Bool {
            location.scope.directives.contains { passes.contains($0.name) }
        }
        if let exact = locations.first(where: { $0.kind == .exact && $0.pattern == path }) {
            return isDynamic(exact) ? exact : nil
        }
        if let dot = path.lastIndex(of: "."), !path[dot...].contains("/") {
            let ending = String(path[path.index(after: dot)...])
            let expression = locations.first { $0.isExpression && $0.pattern.contains(ending) && isDynamic($0) }
            if let expression { return expression }
        }
        let prefix = locations.filter { $0.isPrefix && path.hasPrefix($0.pattern) }
            .max { $0.pattern.count < $1.pattern.count }
        return prefix.flatMap { isDynamic($0) ? $0 : nil }
    }
}

extension NginxTranslation {
    /// Rules of a route that refuses what could not be carried over: other routes must not answer in its place.
    func closed(_ directive: NginxDirective) -> ConfigurationSection {
        var respond = ConfigurationSection()
        respond.set("status", "501", directive.origin)
        respond.set("body", "Not carried over: \(directive.name)\n", directive.origin)
        var rules = ConfigurationSection()
        rules.set("respond", .section(respond), directive.origin)
        return rules
    }

    /// `return`.
    func answer(
        _ directive: NginxDirective, in scope: NginxScope, _ server: NginxServer, usesTLS: Bool?
    ) -> ConfigurationSection {
        carry(directive)
        let isURL = Int(directive.first) == nil
        let status = isURL ? 302 : Int(directive.first) ?? 0
        let text = isURL ? directive.first : directive.arguments.count > 1 ? directive.arguments[1] : nil
        var rules = ConfigurationSection()
        if [301, 302, 303, 307, 308].contains(status) {
            guard let text, let target = redirectTarget(text, in: scope, server, usesTLS: usesTLS) else {
                omit(directive, "write the target with {host}, {path}, {query} or {uri}; until then it is answered 501")
                return closed(directive)
            }
            var redirect = ConfigurationSection()
            redirect.set("to", target, directive.origin)
            redirect.set("status", .number(status), directive.origin)
            rules.set("redirect", .section(redirect), directive.origin)
        } else {
            var respond = ConfigurationSection()
            if status == 444 { ledger.remark(directive.place, "444 closes the connection in nginx; here it is a 403") }
            let known = status == 444 ? 403 : (200...599).contains(status) ? status : 500
            respond.set("status", .number(known), directive.origin)
            let isBodiless = [204, 205, 304].contains(known)
            if let text, !isBodiless {
                let body = expanded(text, in: scope)
                if NginxText(body).isLiteral {
                    respond.set("body", body, directive.origin)
                } else {
                    omit(directive, "the body has variables; 'respond' has a fixed text")
                }
                let type = scope.own("add_header").first { $0.first.lowercased() == "content-type" }
                let value = type.flatMap { $0.arguments.count > 1 ? $0.arguments[1] : nil }
                var headers = ConfigurationSection()
                let origin = (type ?? scope.nearest("default_type"))?.origin ?? .reason("nginx's default")
                headers.set("Content-Type", value ?? scope.nearest("default_type")?.first ?? "text/plain", origin)
                if let type { carry(type) }
                if let type = scope.nearest("default_type") { carry(type) }
                respond.set("headers", .section(headers), origin)
            }
            rules.set("respond", .section(respond), directive.origin)
        }
        rules.append(contentsOf: headerRules(in: scope, server, isSite: false))
        if scope !== server.scope, !scope.own("access_log").isEmpty {
            rules.append(contentsOf: logs.choice(scope.own("access_log"), self))
        }
        return rules
    }
}
