extension Configuration {
    /// Warnings about what is allowed but probably not intended, each as `line: text`.
    package var warnings: [ConfigurationNote] {
        let plain = listeners.filter { $0.tls == nil }.map(\.name)
        return notes
            + sites.flatMap { $0.lengthWarnings + $0.parameterWarnings + $0.certificateWarnings(without: plain) }
    }
}

extension SiteConfiguration {
    /// If the site is also served without TLS, clients cannot present certificates there.
    ///
    /// - Parameter plain: the names of the listeners without TLS.
    fileprivate func certificateWarnings(without plain: [String]) -> [ConfigurationNote] {
        let plain = plain.filter { listen.contains($0) }
        guard let clientCertificates, !plain.isEmpty else { return [] }
        let outcome =
            clientCertificates.mode == .require
            ? "every request is answered 421 there" : "nobody is asked for one there"
        return [
            ConfigurationNote(
                line: clientCertificates.line,
                text: "client_certificates need TLS, and the site is also on \(plain.joined(separator: ", ")) without: "
                    + "\(outcome); see 'listen'")
        ]
    }

    fileprivate var lengthWarnings: [ConfigurationNote] {
        routes.filter { $0.mayLeakByLength(on: self) }.map { route in
            ConfigurationNote(
                line: route.line,
                text: "this route compresses what it answers to users with passwords: whoever can have a page "
                    + "repeat his words beside a secret learns the secret from the length (BREACH); "
                    + "see 'compress: off'"
            )
        }
    }

    /// Rules that `/name;x` bypasses on its way to a server that reads it as `/name`.
    fileprivate var parameterWarnings: [ConfigurationNote] {
        routes.compactMap { rule in
            let own = rule.guards(of: self)
            guard own != .none,
                let (path, passing) = rule.path.pathsWithParameter.lazy.compactMap({ path in
                    serverRoute(for: path, without: own).map { (path, $0) }
                }).first
            else { return nil }
            return ConfigurationNote(
                line: rule.line,
                text: "the rule for \(quoted(rule.path.description)) is passed by \(quoted(path)): the route on line "
                    + "\(passing.line) answers that, and its server may leave the parameter out; "
                    + "see 'allow_path_parameters: false'"
            )
        }
    }

    /// The route that forwards the path to a server without all of these rules.
    private func serverRoute(for path: String, without guards: RouteGuards) -> RouteConfiguration? {
        for route in routes where route.path.matches(path) {
            if route.mayPassParameters, !guards.isSubset(of: route.guards(of: self)) { return route }
            if route.conditions == .none { return nil }
        }
        return nil
    }
}

/// The rules that a route applies to a request before its action.
private struct RouteGuards: OptionSet {
    let rawValue: UInt8

    static let none: RouteGuards = []
    static let access = RouteGuards(rawValue: 1)
    static let password = RouteGuards(rawValue: 2)
    static let question = RouteGuards(rawValue: 4)
    static let limit = RouteGuards(rawValue: 8)
    /// It is refused without any action.
    static let block = RouteGuards(rawValue: 16)
}

extension RouteConfiguration {
    fileprivate func guards(of site: SiteConfiguration) -> RouteGuards {
        var guards = RouteGuards.none
        let rules = AccessRules().overridden(by: site.access).overridden(by: access)
        if rules.basic != nil { guards.insert(.password) }
        if rules.allow != nil || !rules.deny.isEmpty { guards.insert(.access) }
        if forwardAuth != nil { guards.insert(.question) }
        if limits != nil { guards.insert(.limit) }
        if case .respond(let response) = action, response.status >= 400 { guards.insert(.block) }
        return guards
    }

    /// Whether a path with a parameter reaches a server that may interpret it.
    fileprivate var mayPassParameters: Bool {
        guard case .proxy = action else { return false }
        return pathRules.allowsParameters && conditions.expression == nil
    }
}

extension PathPattern {
    /// Paths that differ from a matching one by a parameter after one of the names.
    fileprivate var pathsWithParameter: [String] {
        let text =
            switch self {
            case .exact(let text): text
            case .prefix(let prefix): prefix + "x"
            case .script(let prefix, let suffix): prefix + "x" + suffix
            }
        let names = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let count = if case .exact = self { names.count } else { names.count - 1 }
        return (0..<max(count, 0)).compactMap { index in
            guard !names[index].isEmpty else { return nil }
            var changed = names.map(String.init)
            changed[index] += ";x=1"
            return "/" + changed.joined(separator: "/")
        }
    }
}

extension RouteConfiguration {
    /// Whether responses for a particular user are compressed dynamically.
    fileprivate func mayLeakByLength(on site: SiteConfiguration) -> Bool {
        guard case .on? = site.responseRules.extended(by: responseRules).compression else { return false }
        guard AccessRules().overridden(by: site.access).overridden(by: access).basic != nil else { return false }
        switch action {
        case .runExtension, .extensionsIn, .proxy: return true
        case .respond, .redirect, .files, .administration: return false
        }
    }
}
