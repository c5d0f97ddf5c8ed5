/// A `location` block.
final class NginxLocation {
    enum Kind: Equatable {
        case exact, prefix
        /// `^~`: no expression is tried.
        case firmPrefix
        case expression(ignoresCase: Bool)
        case named
    }

    let directive: NginxDirective
    let kind: Kind
    let pattern: String
    let scope: NginxScope
    private(set) var nested: [NginxLocation] = []

    init?(_ directive: NginxDirective, in parent: NginxScope, _ ledger: Ledger) {
        guard directive.name == "location", let block = directive.block, !directive.arguments.isEmpty else {
            return nil
        }
        self.directive = directive
        scope = NginxScope(block, in: parent)
        var arguments = directive.arguments
        // The modifier may be written without a space behind it.
        if arguments.count == 1 {
            for modifier in ["^~", "~*", "=", "~"] where arguments[0].hasPrefix(modifier) && arguments[0] != modifier {
                arguments = [modifier, String(arguments[0].dropFirst(modifier.count))]
                break
            }
        }
        pattern = arguments.last ?? ""
        switch arguments.count == 2 ? arguments[0] : "" {
        case "=": kind = .exact
        case "^~": kind = .firmPrefix
        case "~": kind = .expression(ignoresCase: false)
        case "~*": kind = .expression(ignoresCase: true)
        default: kind = pattern.hasPrefix("@") ? .named : .prefix
        }
        nested = block.compactMap { NginxLocation($0, in: scope, ledger) }
        ledger.carry(directive.item)
    }

    var isExpression: Bool { if case .expression = kind { true } else { false } }

    var isPrefix: Bool { kind == .prefix || kind == .firmPrefix }

    var origin: Origin { directive.origin }
}

/// Which paths a route is for: `path` and `match`.
struct RoutePaths: Equatable {
    var path: String?
    var expression: String?

    static let all = Self(path: "/*")

    static func exact(_ path: String) -> Self {
        isPath(path) ? Self(path: path) : Self(expression: quoted(path))
    }

    /// Every path that begins with a text.
    static func prefix(_ text: String) -> Self {
        if text.hasSuffix("/"), isPath(text) { return Self(path: text + "*") }
        return Self(expression: quoted(text) + "(?s:.*)")
    }

    /// The paths that nginx's expression finds something in.
    ///
    /// - Parameter prefix: restricts them to paths that begin so.
    static func expression(_ text: String, ignoresCase: Bool, within prefix: String = "/") -> Self {
        let whole = anchored(text, ignoresCase: ignoresCase)
        if prefix == "/" { return Self(expression: whole) }
        if prefix.hasSuffix("/"), isPath(prefix) { return Self(path: prefix + "*", expression: whole) }
        return Self(expression: "(?=\(quoted(prefix)))" + whole)
    }

    /// nginx finds an expression anywhere in a path, the gateway compares it with the whole path.
    private static func anchored(_ text: String, ignoresCase: Bool) -> String {
        var inner = text[...]
        var (before, after) = ("(?s:.*?)", "(?s:.*)")
        let hasAlternatives = text.contains("|")
        if inner.hasPrefix("^"), !hasAlternatives || isOneGroup(inner.dropFirst()) {
            inner = inner.dropFirst()
            before = ""
        }
        if inner.hasSuffix("$"), !inner.hasSuffix("\\$"), !hasAlternatives || isOneGroup(inner.dropLast()) {
            inner = inner.dropLast()
            after = ""
        }
        if after != "", inner.hasSuffix("(.*)") || inner.hasSuffix(".*"), !hasAlternatives { after = "" }
        let needsGroup = hasAlternatives && !isOneGroup(inner)
        let core = needsGroup ? "(?:\(inner))" : String(inner)
        return (ignoresCase ? "(?i)" : "") + before + core + after
    }

    /// Whether every alternative is inside of parentheses.
    private static func isOneGroup(_ text: Substring) -> Bool {
        var depth = 0
        var isEscaped = false
        var isInClass = false
        for byte in text.utf8 {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "["): isInClass = true
            case UInt8(ascii: "]"): isInClass = false
            case UInt8(ascii: "(") where !isInClass: depth += 1
            case UInt8(ascii: ")") where !isInClass: depth -= 1
            case UInt8(ascii: "|") where depth == 0 && !isInClass: return false
            default: break
            }
        }
        return true
    }

    static func quoted(_ text: String) -> String {
        var quoted = ""
        for character in text {
            if "\\^$.|?*+()[]{}".contains(character) { quoted += "\\" }
            quoted.append(character)
        }
        return quoted
    }

    static func isPath(_ path: String) -> Bool {
        guard path.hasPrefix("/"), path.utf8.count <= 2000, !path.contains(where: { "*?#".contains($0) }),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return false }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().dropLast()
        return !segments.contains { ["", ".", ".."].contains($0) }
    }

    func write(to route: inout ConfigurationSection, _ origin: Origin) {
        if let path { route.set("path", path, origin) }
        if let expression { route.set("match", expression, origin) }
    }
}
