extension NginxTranslation {
    /// The routes of a server, in the order in which the gateway has to try them to choose as nginx does.
    ///
    /// nginx takes an exact location; else the longest prefix, if it is firm or no expression matches; else the first
    /// expression. A prefix that decides about its expressions itself, because it is firm, has expressions inside, or is
    /// inside of a firm one, comes before all expressions, with copies of those that apply below it.
    func routes(of server: NginxServer, usesTLS: Bool?) throws(MigrationError) -> [ConfigurationSection] {
        var builder = NginxRouteBuilder(server: server, usesTLS: usesTLS, translation: self)
        if let whole = server.scope.own("return").first {
            builder.add(answer(whole, in: server.scope, server, usesTLS: usesTLS), .all, whole.origin)
            for location in server.scope.own("location") {
                ledger.markUnneeded(location.item, "no request reaches it: \(whole.place) answers them all")
            }
            return builder.routes
        }
        let locations = server.scope.directives.compactMap { NginxLocation($0, in: server.scope, ledger) }
        builder.named = Dictionary(locations.filter { $0.kind == .named }.map { ($0.pattern, $0) }) { first, _ in first
        }
        builder.locations = locations
        builder.addServerRules()

        let all = Self.flattened(locations)
        guard all.count <= SourceLimit.locations else {
            throw failure(server, "more than \(SourceLimit.locations) locations")
        }
        for location in all where location.kind == .exact { builder.add(location, .exact(location.pattern)) }
        let prefixes = all.filter(\.isPrefix).sorted { $0.pattern.utf8.count > $1.pattern.utf8.count }
        builder.prefixPatterns = Set(all.filter { $0.isPrefix || $0.kind == .exact }.map(\.pattern))
        let expressions = locations.filter(\.isExpression)
        let early = prefixes.filter { one in
            prefixes.contains { other in
                (other.kind == .firmPrefix || other.nested.contains(where: \.isExpression))
                    && one.pattern.hasPrefix(other.pattern)
            }
        }
        for prefix in early {
            for inner in prefix.nested where inner.isExpression { builder.add(inner, within: prefix.pattern) }
            if prefix.kind == .prefix {
                for expression in expressions { builder.add(expression, within: prefix.pattern) }
            }
            builder.add(prefix, .prefix(prefix.pattern))
            try checkCount(builder)
        }
        for prefix in prefixes { builder.addSlash(prefix) }
        for expression in expressions { builder.add(expression, within: "/") }
        for prefix in prefixes where !early.contains(where: { $0 === prefix }) {
            builder.add(prefix, .prefix(prefix.pattern))
        }
        if !prefixes.contains(where: { $0.pattern == "/" }) { builder.addRest() }
        try checkCount(builder)
        return builder.routes
    }

    /// Locations with those inside of prefixes; what is inside of expressions is not carried over.
    private static func flattened(_ locations: [NginxLocation]) -> [NginxLocation] {
        locations.flatMap { location in
            location.isPrefix ? [location] + flattened(location.nested.filter { !$0.isExpression }) : [location]
        }
    }

    private func checkCount(_ builder: NginxRouteBuilder) throws(MigrationError) {
        guard builder.routes.count <= SourceLimit.routes else {
            throw failure(builder.server, "the locations become more than \(SourceLimit.routes) routes")
        }
    }

    private func failure(_ server: NginxServer, _ message: String) -> MigrationError {
        let place = server.directive.place
        return MigrationError(
            file: place.file, line: place.line, column: server.directive.column, message: "this server: \(message)")
    }
}

/// Collects the routes of a server.
struct NginxRouteBuilder {
    let server: NginxServer
    let usesTLS: Bool?
    let translation: NginxTranslation
    var named: [String: NginxLocation] = [:]
    var locations: [NginxLocation] = []
    var prefixPatterns = Set<String>()
    private(set) var routes: [ConfigurationSection] = []
    /// Paths that an earlier route answers without conditions.
    private var answered = Set<String>()

    init(server: NginxServer, usesTLS: Bool?, translation: NginxTranslation) {
        self.server = server
        self.usesTLS = usesTLS
        self.translation = translation
    }

    /// Adds a route unless an earlier one answers all its requests.
    ///
    /// - Parameter rules: the keys besides the paths: the action, and what applies to it.
    mutating func add(
        _ rules: ConfigurationSection, _ paths: RoutePaths, _ origin: Origin, when: ConfigurationSection = .init()
    ) {
        guard !isAnswered(paths) else { return }
        var route = ConfigurationSection()
        paths.write(to: &route, origin)
        route.set("when", when, origin)
        route.append(contentsOf: rules)
        routes.append(route)
        if let path = paths.path, paths.expression == nil, when.isEmpty { answered.insert(path) }
    }

    private func isAnswered(_ paths: RoutePaths) -> Bool {
        if answered.contains("/*") { return true }
        guard let path = paths.path else { return false }
        if answered.contains(path), paths.expression == nil || path.hasSuffix("*") { return true }
        return path.indices.contains { path[$0] == "/" && answered.contains(path[...$0] + "*") }
    }

    mutating func add(_ expression: NginxLocation, within prefix: String) {
        guard case .expression(let ignoresCase) = expression.kind else { return }
        for inner in expression.nested {
            translation.omit(
                inner.directive, "it is inside of an expression; add a route with both conditions before it")
        }
        add(expression, .expression(expression.pattern, ignoresCase: ignoresCase, within: prefix))
    }

    /// nginx redirects `/x` to `/x/` where that is a location of another server.
    mutating func addSlash(_ prefix: NginxLocation) {
        let passes = ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"]
        let path = String(prefix.pattern.dropLast())
        guard prefix.pattern.hasSuffix("/"), path.count > 1 || path.first.map({ $0 != "/" }) ?? false,
            RoutePaths.isPath(path), !prefixPatterns.contains(path),
            let pass = prefix.scope.directives.first(where: { passes.contains($0.name) })
        else { return }
        var action = ConfigurationSection()
        var redirect = ConfigurationSection()
        redirect.set("to", path + "/", prefix.origin)
        redirect.set("status", "301", prefix.origin)
        action.set("redirect", .section(redirect), .place(pass.place))
        action.append(contentsOf: translation.headerRules(in: prefix.scope, server, isSite: false))
        add(action, .exact(path), prefix.origin)
    }

    /// What no location matches is a file below the server's root.
    mutating func addRest() {
        let scope = server.scope
        if scope.nearest("root") == nil, !locations.isEmpty || scope.nearest("index") == nil {
            var action = ConfigurationSection()
            action.set("respond", .section(Self.status(404)), .reason("no location and no root for other paths"))
            return add(action, .all, server.directive.origin)
        }
        addActions(in: scope, location: nil, .all, server.directive.origin)
    }

    mutating func add(_ location: NginxLocation, _ paths: RoutePaths) {
        addActions(in: location.scope, location: location, paths, location.origin)
    }

    static func status(_ status: Int) -> ConfigurationSection {
        var respond = ConfigurationSection()
        respond.set("status", .number(status), .reason("nginx's status"))
        return respond
    }
}
