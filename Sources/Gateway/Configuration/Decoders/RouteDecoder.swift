extension ValueDecoder<Located<RouteConfiguration>> {
    static func route(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            let expression = keys.take("match", .pathExpression)
            let path = keys.take(
                "path", ValueDecoder<Located<PathPattern>>.located(.pathPattern), orElse: "match")
            var conditions = keys.take("when", .conditions, default: .none)
            conditions.expression = expression
            let limits = keys.take("limit", .routeLimits(declared))
            let wholePathInfo = takeWholePathInfo(&keys, path)
            let access = keys.takeAccess()
            let forwardAuth = keys.take("forward_auth", .forwardAuth(declared))
            let actions = [
                keys.take("extension", .extensionName(declared)).map {
                    RouteAction.runExtension($0, wholePathInfo: wholePathInfo)
                },
                keys.take("extensions_in", .scriptFolder).map { folderAction($0, of: path, keys) },
                keys.take("respond", .respond).map { RouteAction.respond($0) },
                keys.take("redirect", .redirect).map { RouteAction.redirect($0) },
                keys.take("files", .files).map { RouteAction.files($0) },
                keys.take("proxy", .proxy(declared)).map { RouteAction.proxy($0) },
            ]
            let given = ["extension", "extensions_in", "respond", "redirect", "files", "proxy"]
                .filter(keys.names.contains)
            if given.count != 1 {
                let found = given.isEmpty ? "none" : given.joined(separator: " and ")
                keys.context.report(
                    "a route has exactly one action: extension, extensions_in, respond, redirect, files or proxy; this "
                        + "one has \(found)",
                    at: keys.position)
            }
            if case .files(let files)? = actions.compactMap({ $0 }).first, let path {
                checkPrefix(files.stripPrefix, of: path, keys.context)
            }
            if case .proxy(let proxy)? = actions.compactMap({ $0 }).first {
                if let path { checkPrefix(proxy.stripPrefix ?? "", of: path, keys.context) }
                checkCaptures(of: proxy.rewrite, in: expression, keys)
            }
            var configuration = RouteConfiguration(
                path: path?.value ?? (expression == nil ? .unmatchable : .prefix("/")), conditions: conditions,
                limits: limits, access: access, forwardAuth: forwardAuth,
                action: actions.compactMap { $0 }.first ?? .respond(RespondConfiguration()), line: keys.position.line)
            configuration.logs = keys.take("log", .chosenLogs(declared))
            configuration.responseRules = keys.takeResponseRules()
            configuration.requestBody = keys.take("request_body", .size(in: 0...1 << 40))
            configuration.inflation = keys.take("decode_request", .inflation) ?? nil
            configuration.pathRules.allowsBackslash = keys.take("allow_backslash", .boolean, default: false)
            configuration.pathRules.allowsParameters = keys.take("allow_path_parameters", .boolean, default: true)
            return Located(value: configuration, position: path?.position ?? keys.position)
        }
    }
}

/// PATH_INFO of a script map; other routes have no such setting.
private func takeWholePathInfo(_ keys: inout MappingReader, _ path: Located<PathPattern>?) -> Bool {
    let allowed = keys.take("allow_path_info", .boolean)
    guard case .script? = path?.value else {
        if let position = keys.position(of: "allow_path_info") {
            keys.context.report("allow_path_info is for a path such as /*.php", at: position)
        }
        return false
    }
    return !(allowed ?? false)
}

private func folderAction(
    _ folder: ScriptFolderConfiguration, of path: Located<PathPattern>?, _ keys: MappingReader
) -> RouteAction {
    var folder = folder
    if case .script(let prefix, let suffix)? = path?.value {
        folder.suffix = suffix
        folder.start = prefix.utf8.count
    } else if path != nil {
        keys.context.report(
            "extensions_in is for a path such as /scripts/*.dll",
            at: keys.position(of: "extensions_in") ?? keys.position)
    }
    return .extensionsIn(folder)
}

extension ValueDecoder<ScriptFolderConfiguration> {
    /// A folder, or a mapping of a folder and the names of the files in it that may be run.
    fileprivate static var scriptFolder: Self {
        let section = Self.mapping { keys in
            var folder = ScriptFolderConfiguration(
                path: keys.require("folder", .folder, placeholder: ""),
                allowed: keys.take("allow", .list("files", of: .name("the name of a file"))).map(Set.init))
            folder.load = keys.take("load", .load, default: folder.load)
            folder.idleUnload = keys.take("idle_unload", .idleTime, default: folder.idleUnload)
            return folder
        }
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context) }
            return ValueDecoder<String>.folder.decode(node, context).map { ScriptFolderConfiguration(path: $0) }
        }
    }
}

/// The prefix to strip must be at the beginning of every path that the route matches.
private func checkPrefix(_ prefix: String, of path: Located<PathPattern>, _ context: DecodingContext) {
    guard !prefix.isEmpty, path.value != .exact(prefix), !PathPattern.prefix(prefix + "/").covers(path.value) else {
        return
    }
    context.report(
        "strip_prefix \(quoted(prefix)) is not how every path of this route begins", at: path.position)
}

/// A template's groups are those of the route's expression.
private func checkCaptures(of template: PathTemplate?, in expression: String?, _ keys: MappingReader) {
    guard let highest = template?.highestGroup else { return }
    let position = keys.position(of: "proxy") ?? keys.position
    guard let expression, let compiled = try? PathExpression(expression) else {
        if !keys.names.contains("match") {
            keys.context.report(
                "rewrite: {\(highest)} needs a group of the route's match, which is missing", at: position)
        }
        return
    }
    guard highest > compiled.groupCount else { return }
    keys.context.report(
        "rewrite: match has \(compiled.groupCount) groups, so there is no {\(highest)}", at: position)
}

extension PathPattern {
    /// Replaces an invalid pattern: no path is empty, so it makes no other route unreachable.
    fileprivate static let unmatchable = PathPattern.exact("")
}

extension ValueDecoder<PathPattern> {
    fileprivate static var pathPattern: Self {
        text("a path such as /x or /x/*") { text throws(Refusal) in
            guard text.hasPrefix("/") else { throw Refusal(message: "a path begins with '/', found \(quoted(text))") }
            guard text.utf8.count <= 2048 else { throw Refusal(message: "a path has at most 2048 bytes") }
            let isPrefix = text.hasSuffix("/*")
            let script = scriptPattern(text)
            let literal = script?.prefix ?? (isPrefix ? String(text.dropLast()) : text)
            if literal.contains("*") {
                throw Refusal(
                    message: "a '*' may only stand at the end of a path, after '/', or in front of a file's ending, "
                        + "found \(quoted(text))")
            }
            let forbidden = literal.unicodeScalars.contains { $0.value <= 0x20 || $0.value == 0x7F }
            if forbidden || literal.contains(where: { "?#".contains($0) }) {
                throw Refusal(message: "a path holds no spaces, control characters, '?' or '#', found \(quoted(text))")
            }
            let segments = literal.split(separator: "/", omittingEmptySubsequences: false).dropFirst().dropLast()
            if segments.contains(where: { ["", ".", ".."].contains($0) }) {
                throw Refusal(message: "a path has no empty, '.' or '..' segments, found \(quoted(text))")
            }
            if let script { return .script(prefix: script.prefix, suffix: script.suffix) }
            return isPrefix ? .prefix(literal) : .exact(literal)
        }
    }
}

/// The parts of `/x/*.dll`: the text before the star, and a suffix of a dot, letters and digits.
private func scriptPattern(_ text: String) -> (prefix: String, suffix: String)? {
    guard let star = text.firstRange(of: "/*."), !text[star.upperBound...].isEmpty,
        text[star.upperBound...].utf8.allSatisfy({ isDigit($0) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) })
    else { return nil }
    return (String(text[..<star.lowerBound]) + "/", "." + text[star.upperBound...])
}

extension PathPattern: CustomStringConvertible {
    /// The pattern as the file writes it.
    package var description: String {
        switch self {
        case .exact(let path): path
        case .prefix(let path): path + "*"
        case .script(let prefix, let suffix): "\(prefix)*\(suffix)"
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static func extensionName(_ declared: DeclaredNames) -> Self {
        text("the name of an extension") { name throws(Refusal) in
            if declared.extensions.contains(name) { return name }
            throw Refusal(
                message: "unknown extension \(quoted(name))",
                suggestion: nearestName(to: name, among: declared.extensions))
        }
    }
}

extension ValueDecoder<RespondConfiguration> {
    /// A scalar is the body.
    fileprivate static var respond: Self {
        Self { node, context in
            guard case .scalar(let scalar) = node, !node.isNothing else { return section.decode(node, context) }
            if scalar.style == .plain, scalar.string.utf8.count == 3, scalar.string.utf8.allSatisfy(isDigit) {
                context.report(
                    "respond: \(scalar.string) is a text of three digits; write { status: \(scalar.string) }, or the "
                        + "text in quotes", at: node)
                return nil
            }
            var response = RespondConfiguration()
            response.body = scalar.string
            response.headers = [.textPlain]
            return response
        }
    }

    private static var section: Self {
        .mapping { keys in
            var response = RespondConfiguration()
            response.status = keys.take("status", .integer(in: 200...599), default: response.status)
            response.body = keys.take("body", .string, default: response.body)
            response.headers = keys.take("headers", .headers, default: [])
            let isBodiless = [204, 205, 304].contains(response.status)
            if isBodiless, !response.body.isEmpty {
                keys.context.report(
                    "a response with status \(response.status) has no body",
                    at: keys.position(of: "body") ?? keys.position)
            }
            if !isBodiless, !response.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                response.headers.append(.textPlain)
            }
            return response
        }
    }
}

extension RespondConfiguration.Header {
    fileprivate static var textPlain: Self { Self(name: "Content-Type", value: "text/plain; charset=utf-8") }
}

extension ValueDecoder<[RespondConfiguration.Header]> {
    /// A mapping of field names to values (RFC 9110 §5.1, §5.5).
    static var headers: Self {
        Self { node, context in
            guard let fields = MappingReader(node, context) else { return nil }
            var seen = Set<String>()
            return fields.entries.compactMap { name, key, node in
                let lowercase = name.lowercased()
                if name.isEmpty || !name.utf8.allSatisfy(isTokenByte) {
                    context.report("\(quoted(name)) is not a header name", at: key)
                } else if gatewayFields.contains(lowercase) {
                    context.report("the gateway itself sets \(name)", at: key)
                } else if !seen.insert(lowercase).inserted {
                    context.report("header \(name) is given twice", at: key)
                }
                return context.decode(node, as: .fieldValue, key: name).map { .init(name: name, value: $0) }
            }
        }
    }
}

extension ValueDecoder<String> {
    /// The value of a header field: visible ASCII with spaces and tabs inside.
    static var fieldValue: Self {
        text("the value of the header") { value throws(Refusal) in
            guard value.utf8.allSatisfy({ $0 == 0x09 || (0x20...0x7E).contains($0) }) else {
                throw Refusal(message: "a header value holds printable ASCII only, found \(quoted(value))")
            }
            guard let first = value.utf8.first, let last = value.utf8.last, first > 0x20, last > 0x20 else {
                throw Refusal(message: "a header value is not empty and has no space around it")
            }
            return value
        }
    }
}

extension ValueDecoder<RedirectConfiguration> {
    /// A scalar is the target.
    fileprivate static var redirect: Self {
        section.or(scalar: ValueDecoder<RedirectTemplate>.redirectTemplate) {
            RedirectConfiguration(to: $0, status: 308)
        }
    }

    private static var section: Self {
        .mapping { keys in
            RedirectConfiguration(
                to: keys.require("to", .redirectTemplate, placeholder: RedirectTemplate(parts: [])),
                status: keys.take(
                    "status",
                    .word(
                        "the status of a redirect",
                        ["301": 301, "302": 302, "303": 303, "307": 307, "308": 308]),
                    default: 308))
        }
    }
}

extension ValueDecoder<RedirectTemplate> {
    fileprivate static var redirectTemplate: Self {
        text("the target of the redirect") { text throws(Refusal) in
            do throws(RedirectTemplateError) {
                return try RedirectTemplate(text)
            } catch {
                throw Refusal(message: error.message)
            }
        }
    }
}

/// Fields that frame the message or belong to the connection (RFC 9110 §7.6.1, RFC 9112 §6), in lower case.
let gatewayFields: Set<String> = [
    "connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
]

/// A byte that is allowed in a field name (RFC 9110 §5.6.2).
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    default: isDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
