/// The routes of one path of a site.
struct IISRouteBuilder {
    private let translation: IISTranslation
    private let part: IISSite.Folder
    /// `/` or `/app/`.
    private let prefix: String
    private let settings: IISSettings
    private(set) var routes: [ConfigurationSection] = []
    private var isAnswered = false
    private var fallback: (path: String, origin: Origin)?

    init(_ translation: IISTranslation, _ part: IISSite.Folder, path: String, _ settings: IISSettings) {
        self.translation = translation
        self.part = part
        prefix = path.isEmpty ? "/" : "/\(path)/"
        self.settings = settings
    }

    mutating func build() {
        if let rule = accessRule { return close(rule) }
        addFiltering()
        addRedirect()
        addRules()
        addHandlers()
        addFiles()
    }

    private mutating func add(
        _ action: String, _ value: ConfigurationSection, path: String? = nil, match: String? = nil, _ origin: Origin,
        methods: [String]? = nil, isWhole: Bool = false
    ) {
        guard !isAnswered, routes.count < SourceLimit.routes else { return }
        var route = ConfigurationSection()
        if match == nil || prefix != "/" { route.set("path", path ?? prefix + "*", origin) }
        if let match { route.set("match", match, origin) }
        if let methods {
            var when = ConfigurationSection()
            when.set("methods", .texts(methods), origin)
            route.set("when", .section(when), origin)
        }
        if action == "extension", case .text(let name)? = value["name"] {
            route.set("extension", name, origin)
        } else {
            route.set(action, .section(value), origin)
        }
        if let size, !["respond", "redirect"].contains(action) {
            route.set("request_body", .text(size.text), size.origin)
        }
        routes.append(route)
        if isWhole { isAnswered = true }
    }

    private mutating func refuse(_ match: String, _ origin: Origin, status: Int = 404, methods: [String]? = nil) {
        var respond = ConfigurationSection()
        respond.set("status", .number(status), origin)
        add("respond", respond, match: match, origin, methods: methods)
    }

    /// `maxAllowedContentLength`, where it is not IIS's default.
    private var size: (text: String, origin: Origin)? {
        guard let limits = settings.section("security/requestFiltering/requestLimits"),
            let bytes = limits["maxAllowedContentLength"].flatMap({ Int($0) }), bytes != 30_000_000
        else { return nil }
        return (Quantity.size(bytes, in: 0...1 << 40), limits.origin)
    }

    /// What lets only known users in: the gateway does not know them, so that nobody is let in.
    private var accessRule: XMLElement? {
        if let anonymous = settings.section("security/authentication/anonymousAuthentication"),
            anonymous["enabled"] == "false"
        {
            return anonymous
        }
        if let access = settings.section("security/access"), access["sslFlags"]?.contains("RequireCert") ?? false {
            return access
        }
        return settings.sections("security/authorization").flatMap(\.children).first { rule in
            rule.name == "add" && (rule["accessType"] == "Deny" || rule["users"] != "*")
        }
    }

    private mutating func close(_ rule: XMLElement) {
        translation.omit(rule, "the paths are answered 501; see basic_auth, forward_auth and client_certificates")
        for section in settings.sections("security") + settings.sections("security/authentication")
            + settings.sections("security/authorization")
        {
            translation.carry(section)
        }
        var respond = ConfigurationSection()
        respond.set("status", "501", rule.origin)
        respond.set("body", "Not carried over: \(rule.name)\n", rule.origin)
        if prefix != "/" { add("respond", respond, path: String(prefix.dropLast()), rule.origin) }
        add("respond", respond, rule.origin, isWhole: true)
    }

    // MARK: Refusals

    private mutating func addFiltering() {
        for name in ["", "/requestLimits", "/hiddenSegments", "/fileExtensions", "/denyUrlSequences", "/verbs"] {
            for section in settings.sections("security/requestFiltering" + name) { translation.carry(section) }
        }
        for section in settings.sections("security") { translation.carry(section) }
        for limits in settings.sections("security/requestFiltering/requestLimits") {
            _ = translation.take(limits, "maxAllowedContentLength")
        }
        // What IIS hides and refuses by default.
        var hidden = [
            "web.config", "bin", "App_code", "App_GlobalResources", "App_LocalResources", "App_WebReferences",
            "App_Data", "App_Browsers",
        ]
        for add in settings.collection("security/requestFiltering/hiddenSegments", key: "segment") {
            translation.carry(add)
            if let segment = translation.take(add, "segment"), !hidden.contains(segment) { hidden.append(segment) }
        }
        let names = hidden.map(RoutePaths.quoted).joined(separator: "|")
        refuse("(?i)(?s:.*)/(?:\(names))(?:/(?s:.*))?", .reason("hiddenSegments, with IIS's defaults"))

        var endings = [
            "asa", "asax", "ascx", "asp", "aspx", "ashx", "asmx", "master", "skin", "browser", "sitemap", "config",
            "cs", "csproj", "vb", "vbproj", "cshtml", "vbhtml", "webinfo", "licx", "resx", "resources", "mdb", "ldb",
            "mdf",
            "ldf", "java", "jsl", "svc", "php", "rules", "dll", "so", "exe",
        ]
        for add in settings.collection("security/requestFiltering/fileExtensions", key: "fileExtension") {
            translation.carry(add)
            _ = translation.take(add, "allowed")
            guard let ending = translation.take(add, "fileExtension"), add["allowed"] == "false" else { continue }
            let name = String(ending.drop { $0 == "." }).lowercased()
            if !name.isEmpty, !endings.contains(name) { endings.append(name) }
        }
        closedEndings = endings
        for add in settings.collection("security/requestFiltering/denyUrlSequences", key: "sequence") {
            translation.carry(add)
            guard let sequence = translation.take(add, "sequence"), !sequence.isEmpty, sequence != ".." else {
                continue
            }
            refuse("(?i)(?s:.*)\(RoutePaths.quoted(sequence))(?s:.*)", add.origin)
        }
        for add in settings.collection("security/requestFiltering/verbs", key: "verb") {
            translation.carry(add)
            _ = translation.take(add, "allowed")
            guard let verb = translation.take(add, "verb"), add["allowed"] == "false" else { continue }
            refuse("(?s:.*)", add.origin, methods: [verb.uppercased()])
        }
    }

    private var closedEndings: [String] = []

    // MARK: Redirects and rules

    private mutating func addRedirect() {
        guard let section = settings.section("httpRedirect") else { return }
        translation.carry(section)
        guard translation.take(section, "enabled") == "true",
            let destination = translation.take(section, "destination"), !destination.isEmpty
        else { return }
        let isExact = translation.take(section, "exactDestination") == "true"
        let statuses = ["Permanent": "301", "Found": "302", "Temporary": "307", "PermRedirect": "308"]
        let base = NginxTranslation.encoded(destination.replacing("$S$Q", with: ""))
        guard base.hasPrefix("http://") || base.hasPrefix("https://") || base.hasPrefix("/"), !base.contains("$") else {
            return translation.omit(section, "write a route with 'redirect'")
        }
        var redirect = ConfigurationSection()
        let isFolder = base.hasSuffix("/")
        redirect.set(
            "to", isExact || base.hasPrefix("/") ? base : (isFolder ? String(base.dropLast()) : base) + "{uri}",
            section.origin)
        redirect.set(
            "status", statuses[translation.take(section, "httpResponseStatus") ?? "Found"] ?? "302", section.origin)
        add("redirect", redirect, section.origin, isWhole: true)
    }

    private mutating func addRules() {
        for section in settings.sections("rewrite") + settings.sections("rewrite/rules") { translation.carry(section) }
        // Rules are about the whole site, or about the folder whose web.config has them.
        guard prefix == "/" || settings.levels.last?.descendant("rewrite/rules") != nil else { return }
        for element in settings.collection("rewrite/rules", key: "name") { addRule(IISRule(element)) }
    }

    private mutating func addRule(_ rule: IISRule) {
        let element = rule.element
        guard rule.isEnabled else { return translation.ledger.markUnneeded(element.item, "the rule is switched off") }
        if rule.isSecureRedirect {
            if case .carried? = translation.ledger.outcome(of: element.item) { return }
            return translation.omit(
                element, "add a listener with TLS and a certificate, and redirect those without to it")
        }
        guard !rule.isNegated, !rule.isWildcard || rule.matchesAll else {
            return translation.omit(element, "write a route with 'match'")
        }
        let target = rule.url.lowercased()
        if rule.type == "Rewrite", rule.isForMissingFiles, rule.matchesAll, !rule.url.contains("{"),
            ["html", "htm"].contains(String(target.split(separator: ".").last ?? ""))
        {
            translation.markRule(element)
            let path = rule.url.replacing("~/", with: "/").trimmed("/.")
            fallback = (path.hasPrefix("index") || path.contains(".") ? "/" + path : "/index.html", element.origin)
            return
        }
        if rule.type == "Rewrite", rule.isForMissingFiles || target == "/" || target == "./",
            target == "/" || target == "./"
        {
            translation.markRule(element)
            fallback = ("/index.html", element.origin)
            return
        }
        guard
            rule.conditions.isEmpty || rule.conditions.allSatisfy({ $0["pattern"] == ".*" || $0["pattern"] == "(.*)" })
        else {
            return translation.omit(
                element, "write a route with the rule's conditions: see 'when', 'hosts' and 'match'")
        }
        let paths = expression(rule)
        switch rule.type {
        case "Redirect": addRedirect(rule, paths)
        case "Rewrite" where target.hasPrefix("http://") || target.hasPrefix("https://"): addProxy(rule, paths)
        case "AbortRequest":
            translation.markRule(element)
            refuse(paths, element.origin, status: 403)
        case "CustomResponse":
            let status = element.child("action")?["statusCode"].flatMap { Int($0) } ?? 403
            translation.markRule(element)
            refuse(paths, element.origin, status: (400...599).contains(status) ? status : 403)
        default:
            translation.omit(element, "paths are rewritten for servers only; see 'fallback' of 'files' and 'rewrite'")
        }
    }

    /// A rule's expression is about the path without its first slash, and is found anywhere in it.
    private func expression(_ rule: IISRule) -> String {
        if rule.isWildcard || rule.match.isEmpty || rule.match == "*" { return RoutePaths.quoted(prefix) + "((?s:.*))" }
        let inner = rule.match.hasPrefix("^") ? String(rule.match.dropFirst()) : rule.match
        let start =
            rule.match.hasPrefix("^") || rule.match.hasPrefix("(.*") || rule.match.hasPrefix(".*") ? "" : "(?s:.*?)"
        let text = "^\(RoutePaths.quoted(prefix))\(start)\(inner.contains("|") ? "(?:\(inner))" : inner)"
        return RoutePaths.expression(text, ignoresCase: rule.ignoresCase).expression ?? "/.*"
    }

    private mutating func addRedirect(_ rule: IISRule, _ paths: String) {
        var target = rule.url
        // The whole path, and the host that the client named.
        let wholes = ["/{R:0}", "/{R:1}", "{REQUEST_URI}", "{UNENCODED_URL}", "{PATH_INFO}"]
        for whole in wholes where rule.matchesAll || !whole.contains("R:1") {
            target = target.replacing(whole, with: "\u{1}")
        }
        target = target.replacing("{HTTP_HOST}", with: "\u{2}").replacing("{SERVER_NAME}", with: "\u{2}")
        let isEncodable = !target.contains("{")
        target = NginxTranslation.encoded(target).replacing("%01", with: "{uri}").replacing("%02", with: "{host}")
        guard isEncodable, target.hasPrefix("http://") || target.hasPrefix("https://") || target.hasPrefix("/"),
            !target.hasPrefix("/{"), !target.hasPrefix("//")
        else { return translation.omit(rule.element, "write a 'redirect' with {host}, {path}, {query} or {uri}") }
        translation.markRule(rule.element)
        var redirect = ConfigurationSection()
        redirect.set("to", target, rule.element.origin)
        redirect.set("status", rule.status, rule.element.origin)
        add("redirect", redirect, match: paths, rule.element.origin)
    }

    /// A rule of Application Request Routing.
    private mutating func addProxy(_ rule: IISRule, _ paths: String) {
        let scheme = rule.url.lowercased().hasPrefix("https://") ? "https://" : "http://"
        let rest = rule.url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }.lowercased()
        var path = String(rest.dropFirst(authority.count))
        var groups = 0
        for number in 0...9 {
            let name = "{R:\(number)}"
            guard path.contains(name) else { continue }
            groups += 1
            // The whole match has no first slash there and has one here.
            let whole = number == 0 && path.hasPrefix("/" + name)
            path = whole ? path.replacing("/" + name, with: "\u{3}") : path.replacing(name, with: "\u{4}\(number)\u{5}")
        }
        guard !authority.isEmpty, !authority.contains("{"), !path.contains("{"), !path.contains("?") else {
            return translation.omit(
                rule.element, "write a route with 'proxy'; the server and the path depend on the request")
        }
        path = NginxTranslation.encoded(path).replacing("%03", with: "{path}").replacing("%04", with: "{")
            .replacing("%05", with: "}")
        if path.contains("{0}") { return translation.omit(rule.element, "write a route with 'proxy' and 'rewrite'") }
        translation.markRule(rule.element)
        var proxy = ConfigurationSection()
        proxy.set("to", scheme + authority, rule.element.origin)
        if !path.isEmpty, path != "{path}" { proxy.set("rewrite", path, rule.element.origin) }
        proxy.set("host", "server", .reason("Application Request Routing does so by default"))
        if scheme == "https://" {
            translation.ledger.remark(
                rule.element.place, "the certificate of '\(authority)' is verified; see 'tls' of upstreams")
        }
        add("proxy", proxy, match: paths, rule.element.origin)
    }

    // MARK: Handlers and files

    private mutating func addHandlers() {
        for section in settings.sections("handlers") { translation.carry(section) }
        for handler in settings.collection("handlers", key: "name") { addHandler(handler) }
        for change in settings.sections("handlers").flatMap(\.children) where change.name != "add" {
            translation.ledger.markUnneeded(change.item, "only the handlers that are listed become routes")
        }
    }

    private mutating func addHandler(_ handler: XMLElement) {
        let modules = handler["modules"] ?? ""
        let path = handler["path"] ?? "*"
        let verbs = (handler["verb"] ?? "*").split(separator: ",").map { $0.filter { $0 != " " }.uppercased() }
        let methods = verbs.isEmpty || verbs.contains("*") ? nil : verbs
        switch modules {
        case "IsapiModule" where handler["scriptProcessor"].map(Self.isMicrosofts) != true:
            addExtension(handler, path, methods)
        case "AspNetCoreModule", "AspNetCoreModuleV2", "httpPlatformHandler", "iisnode":
            translation.carry(handler)
            for attribute in handler.attributes { _ = translation.take(handler, attribute.name) }
            let port = modules == "iisnode" ? 3000 : 5000
            translation.ledger.remark(
                handler.place,
                "start the program by itself (systemd), listening on 127.0.0.1:\(port), or change the address")
            var proxy = ConfigurationSection()
            proxy.set("to", "http://127.0.0.1:\(port)", handler.origin)
            let isWhole = path == "*" || modules == "iisnode"
            add(
                "proxy", proxy, match: isWhole ? nil : pattern(path), handler.origin, methods: methods,
                isWhole: isWhole && methods == nil)
        case "StaticFileModule", "StaticFileModule,DefaultDocumentModule,DirectoryListingModule",
            "ProtocolSupportModule",
            "HttpRedirectionModule", "HttpLoggingModule", "TRACEVerbHandler", "WebDAVModule":
            translation.ledger.markUnneeded(handler.item, "files, OPTIONS and TRACE are answered anyway")
        default:
            translation.omit(
                handler,
                "there is no \(modules.isEmpty ? "managed code (.NET Framework)" : modules); its paths are closed, so that no "
                    + "source is sent as a file")
            closeProgram(handler, path)
        }
    }

    /// Closes the paths of a program that is not available: by its ending, or by its path.
    private mutating func closeProgram(_ handler: XMLElement, _ path: String) {
        let ending = String(path.dropFirst(2)).lowercased()
        if path.hasPrefix("*."), ending.utf8.allSatisfy(isLetterOrDigit), !ending.isEmpty {
            if !closedEndings.contains(ending) { closedEndings.append(ending) }
        } else if path == "*" || path == "*.*" {
            // Verbs of the program do not open the files to others.
            var respond = ConfigurationSection()
            respond.set("status", "501", handler.origin)
            respond.set("body", "Not carried over: handler\n", handler.origin)
            add("respond", respond, handler.origin, isWhole: true)
        } else {
            refuse(pattern(path), handler.origin, status: 501)
        }
    }

    /// The processors of ASP and ASP.NET are not there.
    private static func isMicrosofts(_ path: String) -> Bool {
        let name = path.lowercased()
        return name.contains("aspnet_isapi") || name.hasSuffix("\\asp.dll") || name.contains("aspnet_filter")
            || name.hasSuffix("php_isapi.dll") || name.contains("\\framework")
    }

    private mutating func addExtension(_ handler: XMLElement, _ path: String, _ methods: [String]?) {
        translation.carry(handler)
        for attribute in handler.attributes { _ = translation.take(handler, attribute.name) }
        translation.ledger.remark(handler.place, "build the library for Linux (docs/porting-from-iis.md)")
        let processor = handler["scriptProcessor"] ?? ""
        if processor.isEmpty || processor.lowercased().hasSuffix("\\*.dll") {
            // Every library in the folder, by its path.
            var folder = ConfigurationSection()
            folder.set("folder", part.folder, .place(part.place))
            guard !isAnswered, path.lowercased().hasSuffix("*.dll") else { return }
            translation.ledger.remark(
                handler.place,
                "routes run files named .dll as paths ask for them: libraries keep that name, or links do")
            add("extensions_in", folder, path: prefix + "*.dll", handler.origin)
            return
        }
        var library = translation.path(processor, handler)
        if library.lowercased().hasSuffix(".dll") { library = library.dropLast(4) + ".so" }
        let name = translation.extensions.use(library, pool: part.pool, handler.origin)
        var one = ConfigurationSection()
        one.set("name", name, handler.origin)
        let script = path.hasPrefix("*.") && path.dropFirst(2).utf8.allSatisfy(isLetterOrDigit)
        if path == "*" {
            add("extension", one, handler.origin, methods: methods, isWhole: methods == nil)
        } else if script {
            add("extension", one, path: prefix + path, handler.origin, methods: methods)
        } else {
            add("extension", one, match: pattern(path), handler.origin, methods: methods)
        }
    }

    /// A pattern of IIS with stars as an expression for the whole path.
    private func pattern(_ path: String) -> String {
        let relative = path.drop { $0 == "/" }
        let parts = relative.split(separator: "*", omittingEmptySubsequences: false).map {
            RoutePaths.quoted(String($0))
        }
        return
            "(?i)\(RoutePaths.quoted(prefix))\(path.hasPrefix("/") ? "" : "(?s:.*?)")\(parts.joined(separator: "(?s:.*)"))(?:/(?s:.*))?"
    }

    private mutating func addFiles() {
        guard !isAnswered else { return }
        refuse(
            "(?i)(?s:.*)\\.(?:\(closedEndings.map(RoutePaths.quoted).joined(separator: "|")))(?:/(?s:.*))?",
            .reason("fileExtensions, with IIS's defaults"))
        var files = ConfigurationSection()
        files.set("root", part.folder, .place(part.place))
        let strip = part.path == "/" ? "" : part.path
        if !strip.isEmpty { files.set("strip_prefix", strip, .place(part.place)) }
        addIndex(to: &files)
        if let browse = settings.section("directoryBrowse") {
            translation.carry(browse)
            if translation.take(browse, "enabled") == "true" { files.set("listing", "on", browse.origin) }
        }
        for section in settings.sections("staticContent") { translation.carry(section) }
        if let cache = settings.section("staticContent/clientCache") {
            translation.carry(cache)
            switch translation.take(cache, "cacheControlMode") {
            case "DisableCache": files.set("cache_control", "no-cache", cache.origin)
            case "UseMaxAge":
                if let age = translation.take(cache, "cacheControlMaxAge").flatMap(IISTranslation.milliseconds) {
                    files.set("cache_control", "max-age=\(age / 1000)", cache.origin)
                }
            default: break
            }
        }
        if let fallback { files.set("fallback", fallback.path, fallback.origin) }
        add("files", files, .place(part.place))
        if prefix != "/", part.path + "/" == prefix {
            var redirect = ConfigurationSection()
            redirect.set("to", prefix, .place(part.place))
            redirect.set("status", "301", .place(part.place))
            add("redirect", redirect, path: part.path, .place(part.place))
        }
    }

    private func addIndex(to files: inout ConfigurationSection) {
        guard let section = settings.section("defaultDocument") else { return }
        for section in settings.sections("defaultDocument") + settings.sections("defaultDocument/files") {
            translation.carry(section)
        }
        let programs = ["asp", "aspx", "php", "dll", "cshtml"]
        var names: [String] = []
        for add in settings.collection("defaultDocument/files", key: "value") {
            translation.carry(add)
            guard let name = translation.take(add, "value"), !name.isEmpty, !name.contains("/"), !name.contains("\\"),
                !programs.contains(name.lowercased().split(separator: ".").last.map(String.init) ?? "")
            else { continue }
            if !names.contains(name) { names.append(name) }
        }
        if translation.take(section, "enabled") == "false" { return }
        if !names.isEmpty { files.set("index", .texts(names), section.origin) }
    }
}
