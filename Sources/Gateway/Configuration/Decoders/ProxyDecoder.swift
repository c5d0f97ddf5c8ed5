extension ValueDecoder<ProxyConfiguration> {
    /// A scalar is the upstream.
    static func proxy(_ declared: DeclaredNames) -> Self {
        mapping(of: declared).or(scalar: ValueDecoder<String>.upstreamName(declared)) {
            ProxyConfiguration(upstream: $0)
        }
    }

    private static func mapping(of declared: DeclaredNames) -> Self {
        .mapping { keys in
            var proxy = ProxyConfiguration(upstream: keys.require("to", .upstreamName(declared), placeholder: ""))
            proxy.stripPrefix = keys.take("strip_prefix", .prefix)
            proxy.addPrefix = keys.take("add_prefix", .prefix)
            proxy.rewrite = keys.take("rewrite", .pathTemplate)
            for key in ["strip_prefix", "add_prefix"] where proxy.rewrite != nil && keys.names.contains(key) {
                keys.context.report(
                    "\(key) and rewrite exclude each other: rewrite makes the whole path",
                    at: keys.position(of: key) ?? keys.position)
            }
            proxy.buffer = ProxyConfiguration.Buffer.take(from: &keys)
            proxy.host = keys.take("host", .host, default: proxy.host)
            proxy.requestHeaders = keys.take("headers", .rules, default: proxy.requestHeaders)
            return proxy
        }
    }
}

extension ProxyConfiguration.Buffer {
    fileprivate static func take(from keys: inout MappingReader) -> Self {
        var buffer = Self()
        (buffer.requests, buffer.responses) = keys.take(
            "buffer",
            .word(
                "which bodies are held until they are whole",
                [
                    "off": (false, false), "request": (true, false), "response": (false, true), "both": (true, true),
                ]),
            default: (false, false))
        buffer.memory = keys.take("buffer_memory", .size(in: 0...64 << 20), default: buffer.memory)
        buffer.limit = keys.take("buffer_limit", .size(in: 0...1 << 40), default: buffer.limit)
        let isOn = buffer.requests || buffer.responses
        buffer.folder = keys.takeFolder("buffer_folder", default: buffer.folder, isUsed: isOn)
        for key in ["buffer_memory", "buffer_limit", "buffer_folder"] where !isOn && keys.names.contains(key) {
            keys.context.report(
                "\(key) needs buffer: request, response or both", at: keys.position(of: key) ?? keys.position)
        }
        return buffer
    }
}

extension ValueDecoder<ForwardAuthConfiguration> {
    static func forwardAuth(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            var auth = ForwardAuthConfiguration(
                upstream: keys.require("to", .upstreamName(declared), placeholder: ""),
                path: keys.require("path", .checkedPath, placeholder: "/"))
            auth.copyHeaders = keys.take("copy_headers", .list("header names", of: .copiedHeader), default: [])
            auth.timeout = keys.take(
                "timeout", .time(in: .milliseconds(10) ... .seconds(3600)), default: auth.timeout)
            return auth
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static var copiedHeader: Self {
        text("the name of a header") { name throws(Refusal) in
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else { return nil }
            if gatewayFields.contains(name.lowercased()) || ["host", "expect"].contains(name.lowercased()) {
                throw Refusal(message: "the gateway itself sets \(name)")
            }
            return name
        }
    }
}

extension ValueDecoder<String> {
    /// The name of an upstream, or the URL of a server that is an upstream by itself.
    fileprivate static func upstreamName(_ declared: DeclaredNames) -> Self {
        let name = text("the name of an upstream, or a URL") { name throws(Refusal) in
            if declared.upstreams.contains(name) { return name }
            throw Refusal(
                message: "unknown upstream \(quoted(name))",
                suggestion: nearestName(to: name, among: declared.upstreams))
        }
        return Self { node, context in
            let text = node.scalar?.string ?? ""
            guard ["http://", "https://", "unix:"].contains(where: text.hasPrefix) else {
                return name.decode(node, context)
            }
            return ValueDecoder<ServerURL>.serverURL.decode(node, context).map(context.upstream)
        }
    }

    fileprivate static var prefix: Self {
        text("a path such as /api") { text in
            let isPath = text.hasPrefix("/") && !text.hasSuffix("/") && !text.contains("//")
            return isPath && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%*".utf8.contains($0) } ? text : nil
        }
    }
}

extension ValueDecoder<PathTemplate> {
    fileprivate static var pathTemplate: Self {
        text("a path such as /new/{1}") { text throws(Refusal) in
            do throws(PathTemplateError) {
                return try PathTemplate(text)
            } catch {
                throw Refusal(message: error.message)
            }
        }
    }
}

extension ValueDecoder<ProxyConfiguration.Host> {
    fileprivate static var host: Self {
        text("client, server, or a host name") { text in
            switch text {
            case "client": return .fromClient
            case "server": return .fromServer
            default:
                let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let hasPort = parts.count == 1 || UInt16(parts[1]) != nil
                return isDomainName(parts[0].lowercased()[...]) && hasPort ? .fixed(text) : nil
            }
        }
    }
}

extension ValueDecoder<ProxyConfiguration.HeaderRules> {
    fileprivate static var rules: Self {
        .mapping { keys in
            ProxyConfiguration.HeaderRules(
                set: keys.take("set", .headers, default: []),
                remove: keys.take("remove", .list("header names", of: .headerName), default: []))
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static var headerName: Self {
        text("the name of a header") { text in
            !text.isEmpty && text.utf8.allSatisfy(isTokenByte) ? text.lowercased() : nil
        }
    }
}
