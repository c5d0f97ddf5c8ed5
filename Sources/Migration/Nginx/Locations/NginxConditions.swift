extension NginxRouteBuilder {
    /// What the server's own rewriting directives do before a location is chosen.
    mutating func addServerRules() {
        for directive in server.scope.directives {
            switch directive.name {
            case "if": addCondition(directive, in: server.scope, .all)
            case "rewrite": addRewrite(directive, in: server.scope, nil, .all)
            default: break
            }
        }
    }

    /// `if` with a `return`, where the gateway has the condition.
    mutating func addCondition(_ directive: NginxDirective, in scope: NginxScope, _ paths: RoutePaths) {
        // Conditions on the host and the scheme have made sites of their own.
        guard translation.ledger.outcome(of: directive.item) == nil else { return }
        let block = directive.block ?? []
        guard let test = NginxCondition(directive), let when = test.when(directive.origin),
            let answer = block.first(where: { $0.name == "return" }),
            block.allSatisfy({ ["return", "add_header"].contains($0.name) })
        else {
            let mayGrant = NginxCondition.decidesAccess(directive) && NginxCondition.refuses(block)
            translation.omit(
                directive,
                mayGrant
                    ? "it refuses requests, which the gateway cannot decide by; the paths are answered 501"
                    : "see 'when' for conditions of routes")
            if mayGrant { addClosed(directive, paths, directive.origin) }
            return
        }
        translation.carry(directive)
        let inner = NginxScope(block, in: scope)
        add(
            translation.answer(answer, in: inner, server, usesTLS: usesTLS), paths, directive.origin, when: when)
    }

    /// `rewrite`: a redirect, or another path for a server.
    mutating func addRewrite(
        _ directive: NginxDirective, in scope: NginxScope, _ location: NginxLocation?, _ paths: RoutePaths
    ) {
        guard directive.arguments.count >= 2 else {
            return translation.omit(directive, "it has no replacement")
        }
        let (expression, replacement) = (directive.arguments[0], directive.arguments[1])
        let flag = directive.arguments.count > 2 ? directive.arguments[2] : ""
        let isURL = ["http://", "https://", "$scheme"].contains(where: replacement.hasPrefix)
        let prefix = paths.path.map { $0.hasSuffix("*") ? String($0.dropLast()) : $0 }
        let matching = RoutePaths.expression(expression, ignoresCase: false, within: prefix ?? "/")
        guard prefix != nil || location == nil else {
            return translation.omit(directive, "add a route with 'match' and redirect or proxy.rewrite before this one")
        }
        if isURL || flag == "permanent" || flag == "redirect" {
            var rules = ConfigurationSection()
            guard let target = redirectTarget(replacement, expression, in: scope) else {
                return translation.omit(directive, "add a redirect for each path, or have the server redirect")
            }
            translation.carry(directive)
            var redirect = ConfigurationSection()
            redirect.set("to", target, directive.origin)
            redirect.set("status", flag == "permanent" ? "301" : "302", directive.origin)
            rules.set("redirect", .section(redirect), directive.origin)
            rules.append(contentsOf: translation.headerRules(in: scope, server, isSite: false))
            return add(rules, matching, directive.origin)
        }
        if let location, flag == "break" || flag == "last", let pass = location.scope.own("proxy_pass").last,
            let path = Self.pathTemplate(replacement),
            var action = translation.proxy(pass, location, matching, server, rewrite: (path, directive))
        {
            translation.carry(directive)
            action.rules.append(contentsOf: translation.rules(in: scope, server, isSite: false))
            return add(action.rules, action.paths, directive.origin)
        }
        translation.omit(
            directive, "paths are rewritten for servers only ('rewrite' of 'proxy'); others keep their path")
    }

    /// A path with `{1}` for `$1`, without a query.
    static func pathTemplate(_ text: String) -> String? {
        var text = text
        for query in ["$is_args$args", "?$args", "?$query_string"] where text.hasSuffix(query) {
            text = String(text.dropLast(query.count))
        }
        guard !text.contains("?") else { return nil }
        let template = NginxText(text).replaced(literal: NginxTranslation.encoded) { name in
            if name.utf8.count == 1, let digit = name.utf8.first, isDigit(digit) { return "{\(name)}" }
            return name == "uri" || name == "document_uri" ? "{path}" : nil
        }
        guard let template, template.hasPrefix("/") || template.hasPrefix("{path}") else { return nil }
        return template
    }

    /// The target of a redirect whose expression captures the whole path, or nothing that is used.
    ///
    /// nginx appends the query, except to a target that ends with a question mark.
    private func redirectTarget(_ replacement: String, _ expression: String, in scope: NginxScope) -> String? {
        let wholes = [
            "^(.*)$": "$uri", "^(.*)": "$uri", "(.*)": "$uri", "^(.+)$": "$uri", "^/(.*)$": "", "^/(.*)": "",
            "^/?(.*)$": "", "^/(.+)$": "",
        ]
        var text = replacement
        if text.contains("$1") {
            guard let whole = wholes[expression] else { return nil }
            if whole.isEmpty {
                guard text.contains("/$1") else { return nil }
                text = text.replacing("/$1", with: "$uri")
            } else {
                text = text.replacing("$1", with: whole)
            }
        }
        let endsWithMark = text.hasSuffix("?")
        if endsWithMark { text.removeLast() }
        if !endsWithMark, !text.contains("$request_uri"), !text.contains("?"), text.hasSuffix("$uri") {
            text = text.dropLast("$uri".count) + "$request_uri"
        }
        return translation.redirectTarget(text, in: scope, server, usesTLS: usesTLS)
    }
}

/// The condition of an `if`.
struct NginxCondition {
    var variable: String
    /// `=`, `!=`, `~`, `~*`, `!~`, `!~*`, or empty for a variable alone.
    var comparison: String
    var value: String

    init?(_ directive: NginxDirective) {
        var text = directive.arguments.joined(separator: " ")
        guard text.hasPrefix("("), text.hasSuffix(")") else { return nil }
        text = String(text.dropFirst().dropLast()).trimmed(" ")
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        guard let first = words.first, first.hasPrefix("$") else { return nil }
        variable = String(first.dropFirst())
        comparison = words.count > 1 ? words[1] : ""
        // An empty text in quotation marks leaves nothing between spaces.
        value = words.count > 2 ? words[2] : ""
        if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
            value = String(value.dropFirst().dropLast())
        }
        guard words.count > 1 || !text.contains("=") else { return nil }
    }

    /// The gateway's conditions; nil when it has none for this.
    func when(_ origin: Origin) -> ConfigurationSection? {
        var when = ConfigurationSection()
        if variable == "request_method" {
            guard let methods else { return nil }
            when.set("methods", .texts(methods), origin)
            return when
        }
        for (prefix, key) in [("http_", "headers"), ("arg_", "query")] where variable.hasPrefix(prefix) {
            var name = String(variable.dropFirst(prefix.count))
            if key == "headers" { name = name.replacing("_", with: "-") }
            var test = ConfigurationSection()
            switch (comparison, value) {
            case ("", _), ("!=", ""):
                var present = ConfigurationSection()
                present.set("present", "true", origin)
                test.set(name, .section(present), origin)
            case ("=", ""):
                var absent = ConfigurationSection()
                absent.set("present", "false", origin)
                test.set(name, .section(absent), origin)
            case ("=", _) where NginxText(value).isLiteral: test.set(name, value, origin)
            default: return nil
            }
            when.set(key, .section(test), origin)
            return when
        }
        return nil
    }

    private var methods: [String]? {
        let words = value.trimmed("^$()").split(separator: "|").map(String.init)
        let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
        guard !words.isEmpty, words.allSatisfy({ $0.utf8.allSatisfy { isLetterOrDigit($0) } && $0 == $0.uppercased() })
        else { return nil }
        switch comparison {
        case "=": return [value]
        case "~", "~*": return words
        case "!~", "!~*", "!=":
            // A condition names methods, so the others that are common are listed; GET includes HEAD.
            let others = known.filter { !words.contains($0) && !($0 == "GET" && words.contains("HEAD")) }
            return others.filter { $0 != "HEAD" || !words.contains("GET") }
        default: return nil
        }
    }

    /// Whether the condition is about who the client is.
    static func decidesAccess(_ directive: NginxDirective) -> Bool {
        let text = directive.arguments.joined(separator: " ")
        let names = [
            "$ssl_client", "$http_authorization", "$http_x_", "$cookie_", "$arg_", "$remote_", "$realip_",
            "$geoip", "$allowed", "$http_auth", "$http_token", "$http_api",
        ]
        return names.contains { text.contains($0) }
    }

    static func refuses(_ block: [NginxDirective]) -> Bool {
        block.contains { $0.name == "return" && (Int($0.first).map { (400...499).contains($0) } ?? false) }
            || block.contains { $0.name == "deny" }
    }
}

extension String {
    /// Without characters of a set at both ends.
    func trimmed(_ characters: String) -> String {
        var text = self[...]
        while let first = text.first, characters.contains(first) { text = text.dropFirst() }
        while let last = text.last, characters.contains(last) { text = text.dropLast() }
        return String(text)
    }
}
