extension MappingReader {
    /// The keys about responses, which sites and routes have in common.
    mutating func takeResponseRules() -> ResponseRules {
        var rules = ResponseRules()
        rules.compression = take("compress", .compression)
        rules.headers = take("headers", .headerEdits, default: HeaderEdits())
        rules.strictTransport = take("hsts", .strictTransport)
        rules.securityHeaders = take(
            "security_headers", .word("a set of security headers", ["off": .off, "strict": .strict]))
        return rules
    }
}

extension ValueDecoder<CompressionRule> {
    fileprivate static var compression: Self {
        let section = Self.mapping { keys in
            var options = CompressionOptions()
            options.level = keys.take("level", .integer(in: 1...9))
            options.minimumSize = keys.take("min_size", .size(in: 0...1 << 30))
            options.types = keys.take("types", .list("media types", of: .mediaTypePattern))
            return .on(options)
        }
        return switched(section, on: .on(CompressionOptions()), off: .off)
    }
}

extension ValueDecoder {
    /// `on`, `off`, or a mapping with details.
    fileprivate static func switched(_ section: Self, on: Value, off: Value) -> Self {
        Self { node, context in
            switch node {
            case .scalar(let scalar) where scalar.string == "off": return off
            case .scalar(let scalar) where scalar.string == "on": return on
            case .mapping: return section.decode(node, context)
            default:
                context.report("expected on, off or a mapping for \(context.key), found \(node.found)", at: node)
                return nil
            }
        }
    }
}

extension ValueDecoder<String> {
    /// A media type in lower case, with at most one star after its slash (RFC 6838 §4.2).
    fileprivate static var mediaTypePattern: Self {
        text("a media type such as text/html, text/* or application/*+json") { text in
            let type = text.lowercased()
            let parts = type.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !parts[0].contains("*"),
                parts[1].filter({ $0 == "*" }).count <= 1,
                type.utf8.allSatisfy({ isTokenByte($0) || $0 == UInt8(ascii: "/") })
            else { return nil }
            return type
        }
    }
}

extension ValueDecoder<HeaderEdits> {
    fileprivate static var headerEdits: Self {
        .mapping { keys in
            var edits = HeaderEdits()
            edits.remove = keys.take("remove", .list("header names", of: .editableHeader), default: [])
            edits.set = keys.take("set", .headerTemplates, default: [])
            edits.add = keys.take("add", .headerTemplates, default: [])
            return edits
        }
    }
}

extension ValueDecoder<String> {
    /// The name of a field that the gateway does not write itself (RFC 9110 §5.1).
    static var editableHeader: Self {
        text("the name of a header") { name throws(Refusal) in
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw Refusal(message: "\(quoted(name)) is not a header name")
            }
            if gatewayFields.contains(name.lowercased()) { throw Refusal(message: "the gateway itself sets \(name)") }
            return name
        }
    }
}

extension ValueDecoder<[HeaderTemplate]> {
    /// A mapping of field names to a value each, or to a list of values.
    fileprivate static var headerTemplates: Self {
        let value = ValueDecoder<[HeaderTemplate.Part]>.headerValue
        let values = ValueDecoder<[[HeaderTemplate.Part]]>.list("values", of: value)
        return Self { node, context in
            guard let fields = MappingReader(node, context) else { return nil }
            return fields.entries.flatMap { name, key, node -> [HeaderTemplate] in
                guard context.decode(key, as: .editableHeader, key: name) != nil else { return [] }
                let found: [[HeaderTemplate.Part]]?
                if case .sequence = node {
                    found = context.decode(node, as: values, key: name)
                } else {
                    found = context.decode(node, as: value, key: name).map { [$0] }
                }
                return (found ?? []).map { HeaderTemplate(name: name, parts: $0) }
            }
        }
    }
}

extension ValueDecoder<[HeaderTemplate.Part]> {
    fileprivate static var headerValue: Self {
        let text = ValueDecoder<String>.fieldValue
        return Self { node, context in
            guard let value = text.decode(node, context) else { return nil }
            switch HeaderTemplate.parse(value) {
            case .success(let parts): return parts
            case .failure(let refusal):
                context.report(refusal.message, at: node, suggestion: refusal.suggestion)
                return nil
            }
        }
    }
}

extension ValueDecoder<StrictTransportRule> {
    fileprivate static var strictTransport: Self {
        let defaults = StrictTransport()
        let section = Self.mapping { keys in
            var rule = defaults
            rule.maximumAge = keys.take(
                "max_age", .time(in: .zero ... .seconds(3650 * 86_400)), default: defaults.maximumAge)
            rule.includesSubdomains = keys.take("include_subdomains", .boolean, default: false)
            rule.preloads = keys.take("preload", .boolean, default: false)
            // The requirements of browsers' preload lists, which otherwise do not accept the site.
            if rule.preloads, !rule.includesSubdomains || rule.maximumAge < defaults.maximumAge {
                keys.context.report(
                    "preload needs include_subdomains: true and a max_age of at least 365d",
                    at: keys.position(of: "preload") ?? keys.position)
            }
            return .on(rule)
        }
        return switched(section, on: .on(defaults), off: .off)
    }
}

extension ValueDecoder<Int?> {
    /// Whether coded request bodies are decoded: how far they may expand, nil for not at all.
    static var inflation: Self {
        // Repetitive text reaches 20 to 50, a decompression bomb 1,000.
        let usual = 100
        let section = Self.mapping { keys in keys.take("ratio", .integer(in: 2...2000), default: usual) }
        let words = ValueDecoder<Bool>.boolean
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context) }
            return words.decode(node, context).map { $0 ? usual : nil }
        }
    }
}
