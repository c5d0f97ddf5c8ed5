/// The settings of a path of a site: `system.webServer` of every level above it, the innermost last.
struct IISSettings {
    let levels: [XMLElement]

    /// The innermost section with a name such as `security/requestFiltering`.
    func section(_ path: String) -> XMLElement? { levels.compactMap { $0.descendant(path) }.last }

    /// All sections with a name, the outermost first.
    func sections(_ path: String) -> [XMLElement] { levels.compactMap { $0.descendant(path) } }

    /// The elements `add` of a collection, less those that inner levels remove.
    func collection(_ path: String, key: String) -> [XMLElement] {
        var found: [XMLElement] = []
        for element in sections(path).flatMap(\.children) {
            switch element.name {
            case "clear": found = []
            case "remove": found.removeAll { $0[key] == element[key] }
            case "add", "rule", "error", "mimeMap": found.append(element)
            default: break
            }
        }
        return found
    }
}

extension IISTranslation {
    /// A site for each kind of listener: with TLS, and without where that differs.
    func sites(for site: IISSite, _ listeners: IISListeners, _ levels: [IISLevel]) -> [ConfigurationSection] {
        let root = settings(levels, at: "")
        let hasTLS = site.bindings.contains(where: \.usesTLS)
        let redirect = hasTLS ? secureRedirect(root) : nil
        var written: [ConfigurationSection] = []
        for usesTLS in [false, true] {
            let bindings = site.bindings.filter { $0.usesTLS == usesTLS }
            guard let first = bindings.first else { continue }
            var hosts: [String] = []
            for host in bindings.map({ $0.host.isEmpty ? "*" : $0.host }) where !hosts.contains(host) {
                hosts.append(host)
            }
            var names: [String] = []
            for name in bindings.map(listeners.name) where !names.contains(name) { names.append(name) }
            hosts = hosts.filter { host in
                let isFree = names.allSatisfy { claimed.insert("\($0) \(host)").inserted }
                if !isFree { ledger.remark(first.place, "the host '\(host)' is already that of an earlier site") }
                return isFree
            }
            guard !hosts.isEmpty else { continue }
            var one = ConfigurationSection()
            one.set("hosts", .texts(hosts), .place(first.place))
            one.set("listen", .texts(names), .place(first.place))
            if usesTLS {
                var certificate = ConfigurationSection()
                let base = "/etc/isagate/certificates/\(IISExtensions.name(site.name.lowercased()))"
                certificate.set("chain", base + ".pem", .place(first.place))
                certificate.set("key", base + ".key", .place(first.place))
                one.set("certificates", .sections([certificate]), .place(first.place))
            }
            let main = site.parts.first { $0.path == "/" } ?? site.parts.last
            if let main { one.set("root", main.folder, .place(main.place)) }
            let routes = !usesTLS && redirect != nil ? [redirect!] : self.routes(of: site, levels, hasTLS: hasTLS)
            if let main { addErrorPages(root, main.folder, routes, to: &one) }
            addSiteRules(root, to: &one)
            one.set("routes", .sections(routes), .place(site.place))
            written.append(one)
        }
        return written
    }

    private func settings(_ levels: [IISLevel], at path: String) -> IISSettings {
        let lower = path.lowercased()
        let applying = levels.filter { level in
            let own = level.path.lowercased()
            return own.isEmpty || own == lower || lower.hasPrefix(own + "/")
        }
        return IISSettings(levels: applying.sorted { $0.path.count < $1.path.count }.map(\.settings))
    }

    /// Routes of every folder and every location, the longest path first.
    private func routes(of site: IISSite, _ levels: [IISLevel], hasTLS: Bool) -> [ConfigurationSection] {
        var places = site.parts.map { (path: $0.path == "/" ? "" : String($0.path.dropFirst()), part: $0) }
        for level in levels where !level.path.isEmpty && RoutePaths.isPath("/" + level.path) {
            guard !places.contains(where: { $0.path.lowercased() == level.path.lowercased() }) else { continue }
            let base = site.parts.filter { $0.path == "/" || "/\(level.path)/".hasPrefix($0.path + "/") }
                .max { $0.path.count < $1.path.count }
            if let base { places.append((level.path, base)) }
        }
        places.sort { $0.path.count > $1.path.count }
        var routes: [ConfigurationSection] = []
        for place in places where place.path.isEmpty || RoutePaths.isPath("/" + place.path) {
            let settings = settings(levels, at: place.path)
            var builder = IISRouteBuilder(self, place.part, path: place.path, settings)
            builder.build()
            routes += builder.routes
        }
        return routes
    }

    private func addErrorPages(
        _ settings: IISSettings, _ folder: String, _ routes: [ConfigurationSection], to site: inout ConfigurationSection
    ) {
        var pages = ConfigurationSection()
        for section in settings.sections("httpErrors") { carry(section) }
        for error in settings.collection("httpErrors", key: "statusCode") {
            guard let status = error["statusCode"].flatMap({ Int($0) }), (400...599).contains(status),
                let path = error["path"], !path.isEmpty
            else { continue }
            if error["prefixLanguageFilePath"]?.lowercased().contains("custerr") ?? false {
                ledger.markUnneeded(error.item, "the gateway has pages of its own")
                continue
            }
            var page = ConfigurationSection()
            switch error["responseMode"] ?? "File" {
            case "ExecuteURL" where path.hasPrefix("/") && path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }):
                page.set("route", path, error.origin)
            case "File" where !path.contains(":"):
                let relative = path.replacing("\\", with: "/")
                page.set("file", FilePath.normal("\(folder)/\(relative)"), error.origin)
            default:
                omit(error, "error_pages take a file, or a path of the site")
                continue
            }
            carry(error)
            for name in ["statusCode", "path", "responseMode", "prefixLanguageFilePath"] { _ = take(error, name) }
            let substatus = take(error, "subStatusCode").flatMap { Int($0) } ?? -1
            pages.set(substatus > 0 ? "\(status).\(substatus)" : String(status), .section(page), error.origin)
        }
        site.set("error_pages", pages, .reason("httpErrors"))
    }

    private func addSiteRules(_ settings: IISSettings, to site: inout ConfigurationSection) {
        if let compression = settings.section("urlCompression") {
            carry(compression)
            let values = [take(compression, "doStaticCompression"), take(compression, "doDynamicCompression")]
            if values.contains("true") { site.set("compress", "on", compression.origin) }
        }
        addHeaders(settings, to: &site)
        addAddresses(settings, to: &site)
    }

    /// `customHeaders`.
    func addHeaders(_ settings: IISSettings, to rules: inout ConfigurationSection) {
        for section in settings.sections("httpProtocol") + settings.sections("httpProtocol/customHeaders") {
            carry(section)
        }
        var set = ConfigurationSection()
        var origin = Origin.reason("customHeaders")
        let framing = [
            "connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        ]
        for add in settings.collection("httpProtocol/customHeaders", key: "name") {
            guard let name = add["name"], let value = add["value"], NginxTranslation.isFieldValue(value),
                !framing.contains(name.lowercased())
            else {
                ledger.markUnneeded(add.item, "the field has no value, or the gateway itself sets it")
                continue
            }
            carry(add)
            _ = (take(add, "name"), take(add, "value"))
            if name.lowercased() == "x-powered-by" { continue }
            set.set(name, value.replacing("{", with: "{{"), add.origin)
            origin = add.origin
        }
        for removal in settings.sections("httpProtocol/customHeaders").flatMap(\.children) where removal.name != "add" {
            ledger.markUnneeded(removal.item, "only what is configured is sent")
        }
        var headers = ConfigurationSection()
        headers.set("set", set, origin)
        rules.set("headers", headers, origin)
    }

    /// `ipSecurity`: addresses that are allowed or denied.
    private func addAddresses(_ settings: IISSettings, to rules: inout ConfigurationSection) {
        guard let section = settings.section("security/ipSecurity") else { return }
        carry(section)
        let admitsOthers = take(section, "allowUnlisted") != "false"
        var networks: (allow: [String], deny: [String]) = ([], [])
        for add in settings.collection("security/ipSecurity", key: "ipAddress") {
            guard let address = add["ipAddress"], let network = Self.network(address, add["subnetMask"]) else {
                omit(add, "allow and deny take addresses and networks")
                continue
            }
            carry(add)
            for name in ["ipAddress", "subnetMask", "allowed"] { _ = take(add, name) }
            if add["allowed"] == "true" { networks.allow.append(network) } else { networks.deny.append(network) }
        }
        if !admitsOthers {
            rules.set("allow", .texts(networks.allow.isEmpty ? ["127.0.0.1"] : networks.allow), section.origin)
        }
        if !networks.deny.isEmpty { rules.set("deny", .texts(networks.deny), section.origin) }
    }

    private static func network(_ address: String, _ mask: String?) -> String? {
        guard let mask, address.split(separator: ".").count == 4 else { return address }
        let octets = mask.split(separator: ".").compactMap { UInt32($0) }
        guard octets.count == 4 else { return Int(mask).map { "\(address)/\($0)" } }
        let bits = octets.reduce(UInt32(0)) { $0 << 8 | ($1 & 255) }
        guard (~bits) & (~bits &+ 1) == 0 else { return nil }
        return "\(address)/\(bits.nonzeroBitCount)"
    }

    /// The redirect of everything to HTTPS, if a rule does that.
    private func secureRedirect(_ settings: IISSettings) -> ConfigurationSection? {
        for rule in settings.collection("rewrite/rules", key: "name") where IISRule(rule).isSecureRedirect {
            carry(rule)
            markRule(rule)
            var redirect = ConfigurationSection()
            redirect.set("to", "https://{host}{uri}", rule.origin)
            redirect.set("status", IISRule(rule).status, rule.origin)
            var route = ConfigurationSection()
            route.set("path", "/*", rule.origin)
            route.set("redirect", .section(redirect), rule.origin)
            return route
        }
        return nil
    }

    /// Marks what a rule consists of.
    func markRule(_ rule: XMLElement) {
        carry(rule)
        for attribute in rule.attributes { _ = take(rule, attribute.name) }
        for child in rule.children { markRule(child) }
    }
}

/// A rule of URL Rewrite.
struct IISRule {
    let element: XMLElement
    var match: String { element.child("match")?["url"] ?? ".*" }
    var isNegated: Bool { element.child("match")?["negate"] == "true" }
    var ignoresCase: Bool { element.child("match")?["ignoreCase"] != "false" }
    var conditions: [XMLElement] { element.child("conditions")?.children ?? [] }
    var type: String { element.child("action")?["type"] ?? "None" }
    var url: String { element.child("action")?["url"] ?? "" }
    var isWildcard: Bool { element["patternSyntax"] == "Wildcard" }
    var isEnabled: Bool { element["enabled"] != "false" }

    init(_ element: XMLElement) { self.element = element }

    var status: String {
        switch element.child("action")?["redirectType"] {
        case "Found": "302"
        case "SeeOther": "303"
        case "Temporary": "307"
        case "Permanent", nil: "301"
        default: "301"
        }
    }

    var isSecureRedirect: Bool {
        guard type == "Redirect", isEnabled, url.lowercased().hasPrefix("https://"), conditions.count == 1 else {
            return false
        }
        let input = conditions[0]["input"]?.uppercased() ?? ""
        let pattern = (conditions[0]["pattern"] ?? "").trimmed("^$").lowercased()
        let isNegated = conditions[0]["negate"] == "true"
        return input == "{HTTPS}" && (pattern == "off" && !isNegated || pattern == "on" && isNegated)
            || input == "{SERVER_PORT}" && (pattern == "80" && !isNegated || pattern == "443" && isNegated)
    }

    /// Whether the conditions only leave out files and folders that exist.
    var isForMissingFiles: Bool {
        !conditions.isEmpty
            && conditions.allSatisfy { condition in
                condition["input"]?.uppercased() == "{REQUEST_FILENAME}" && condition["negate"] == "true"
                    && ["IsFile", "IsDirectory"].contains(condition["matchType"] ?? "")
                    || condition["input"]?.uppercased() == "{REQUEST_URI}" && condition["negate"] == "true"
            }
    }

    var matchesAll: Bool {
        [".*", "(.*)", "^(.*)$", "^.*$", "^(.*)", "*", "(.+)", "^(.+)$", "/*", "", "^"].contains(match)
    }
}
