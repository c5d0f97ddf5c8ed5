extension NginxTranslation {
    /// Whether a location of the server has fields of responses of its own, which then replace those of the server.
    private func hasOwnFields(_ server: NginxServer) -> Bool {
        func search(_ directives: [NginxDirective]) -> Bool {
            directives.contains { directive in
                guard ["location", "if"].contains(directive.name), let block = directive.block else { return false }
                return block.contains { $0.name == "add_header" } || search(block)
            }
        }
        return search(server.directive.block ?? [])
    }

    /// `add_header`, `proxy_hide_header` and `expires`.
    ///
    /// Fields of the server are those of the site, unless a location has its own: these replace all of the server's.
    func headerRules(in scope: NginxScope, _ server: NginxServer, isSite: Bool) -> ConfigurationSection {
        let isShared = !hasOwnFields(server)
        var rules = ConfigurationSection()
        var headers = ConfigurationSection()
        if !isShared { addFields(scope.all("add_header"), scope, to: &headers) }
        let hidden = scope.all("proxy_hide_header")
        let expires = scope.nearest("expires")
        if let first = hidden.first, scope.own("proxy_pass").first != nil || isSite {
            for directive in hidden { carry(directive) }
            headers.set("remove", .texts(hidden.map(\.first)), first.origin)
        }
        if let expires, scope.own("proxy_pass").first != nil, let value = Self.cacheControl(expires) {
            carry(expires)
            var set = ConfigurationSection()
            set.set("Cache-Control", value, expires.origin)
            headers.set("set", .section(set), expires.origin)
        }
        rules.set("headers", headers, .reason("add_header"))
        return rules
    }

    /// Fields of a site whose locations have none of their own.
    func siteHeaders(_ server: NginxServer) -> ConfigurationSection {
        var headers = ConfigurationSection()
        if !hasOwnFields(server) { addFields(server.scope.all("add_header"), server.scope, to: &headers) }
        return headers
    }

    private func addFields(_ directives: [NginxDirective], _ scope: NginxScope, to headers: inout ConfigurationSection)
    {
        var names: [String] = []
        var values: [String: [(String, Origin)]] = [:]
        for directive in directives where directive.arguments.count >= 2 {
            let name = directive.first
            let framing = [
                "connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
            ]
            guard !framing.contains(name.lowercased()) else {
                ledger.markUnneeded(directive.item, "the gateway itself sets this field")
                continue
            }
            if directive.arguments[1].isEmpty {
                ledger.markUnneeded(directive.item, "a field with an empty value is not sent")
                continue
            }
            // `return` gives its text a media type by this field.
            if name.lowercased() == "content-type", scope.own("return").first != nil { continue }
            let value = fieldTemplate(directive.arguments[1].trimmed(" \t\r\n"), in: scope)
            guard let value, Self.isFieldValue(value) else {
                omit(
                    directive, "values may have {host}, {remote} and {request_id}; others have to come from the server")
                continue
            }
            carry(directive)
            let key = name.lowercased()
            if values[key] == nil { names.append(name) }
            values[key, default: []].append((value, directive.origin))
        }
        var add = ConfigurationSection()
        for name in names {
            guard let found = values[name.lowercased()], let first = found.first else { continue }
            add.set(name, found.count == 1 ? .text(first.0) : .texts(found.map(\.0)), first.1)
        }
        headers.set("add", add, .reason("add_header"))
    }

    /// The value of `Cache-Control` that `expires` leads to.
    private static func cacheControl(_ directive: NginxDirective) -> String? {
        let text =
            directive.arguments.first == "modified" ? directive.arguments.dropFirst().first ?? "" : directive.first
        switch text {
        case "off": return nil
        case "max": return "max-age=315360000"
        case "epoch": return "no-cache"
        default:
            if text.hasPrefix("-") { return "no-cache" }
            return NginxQuantity.milliseconds(String(text.drop { $0 == "+" })).map { "max-age=\($0 / 1000)" }
        }
    }

    /// Settings of files besides their folder.
    func addFileSettings(_ scope: NginxScope, to files: inout ConfigurationSection) {
        if let index = scope.nearest("index") {
            carry(index)
            let programs = ["php", "asp", "aspx", "jsp", "cgi", "py", "pl", "rb", "fcgi", "do", "cfm"]
            var names: [String] = []
            for name in index.arguments {
                let ending = name.lowercased().split(separator: ".").last.map(String.init) ?? ""
                if name.contains("$") || name.contains("/") || programs.contains(ending) {
                    ledger.remark(index.place, "'\(name)' is no index here: its text would be sent")
                } else if !names.contains(name), name != "." {
                    names.append(name)
                }
            }
            if !names.isEmpty { files.set("index", .texts(names), index.origin) }
        }
        if let listing = scope.nearest("autoindex"), listing.first == "on" {
            carry(listing)
            files.set("listing", "on", listing.origin)
        }
        var codings: [String] = []
        for (name, coding) in [("brotli_static", "br"), ("zstd_static", "zst"), ("gzip_static", "gz")] {
            guard let directive = scope.nearest(name), ["on", "always"].contains(directive.first) else { continue }
            carry(directive)
            codings.append(coding)
        }
        if !codings.isEmpty { files.set("precompressed", .texts(codings), .reason("gzip_static, brotli_static")) }
        if let expires = scope.nearest("expires") {
            if let value = Self.cacheControl(expires) {
                carry(expires)
                files.set("cache_control", value, expires.origin)
            } else if expires.first == "off" {
                ledger.markUnneeded(expires.item, "no Cache-Control is sent by default")
            } else {
                omit(expires, "see cache_control of 'files', and set Cache-Control in 'headers'")
            }
        }
    }

    /// `gzip` of a site or a location.
    func addCompression(_ directive: NginxDirective, _ scope: NginxScope, to rules: inout ConfigurationSection) {
        carry(directive)
        guard directive.first == "on" else { return rules.set("compress", "off", directive.origin) }
        var section = ConfigurationSection()
        if let level = scope.nearest("gzip_comp_level"), let number = Int(level.first) {
            carry(level)
            section.set("level", .number(min(max(number, 1), 9)), level.origin)
        }
        if let length = scope.nearest("gzip_min_length"), let size = NginxQuantity.bytes(length.first) {
            carry(length)
            section.set("min_size", Quantity.size(size, in: 0...1 << 30), length.origin)
        }
        if let types = scope.nearest("gzip_types") {
            carry(types)
            if !types.arguments.contains("*") {
                let found = types.arguments.filter { type in
                    let parts = type.split(separator: "/", omittingEmptySubsequences: false)
                    return parts.count == 2
                        && parts.allSatisfy { part in
                            !part.isEmpty && part.utf8.allSatisfy { isLetterOrDigit($0) || "-+._".utf8.contains($0) }
                        }
                }
                let names = ["text/html"] + found.map { $0.lowercased() }.filter { $0 != "text/html" }
                var seen = Set<String>()
                section.set("types", .texts(names.filter { seen.insert($0).inserted }), types.origin)
            }
        } else {
            section.set("types", .texts(["text/html"]), .reason("nginx's default"))
        }
        rules.set("compress", section.isEmpty ? .text("on") : .section(section), directive.origin)
    }
}
