import Redis

extension ValueDecoder<SharedEngineConfiguration> {
    static func sharedEngine(name: String) -> Self {
        .mapping { keys in
            let url = keys.require("redis", .redisURL, placeholder: nil)
            var engine = SharedEngineConfiguration(name: name, redis: url ?? .placeholder)
            engine.passwordFile = keys.take("password_file", .file)
            engine.timeout = keys.take(
                "timeout", .time(in: .milliseconds(5) ... .seconds(10)), default: engine.timeout)
            engine.onFailure = keys.take(
                "on_failure",
                .word("what limits do without the server", ["local": .local, "allow": .allow, "deny": .deny]),
                default: engine.onFailure)
            engine.lease = keys.take("lease", .time(in: .seconds(3) ... .seconds(3600)), default: engine.lease)
            engine.queue = keys.take("queue", .integer(in: 16...1_000_000), default: engine.queue)
            engine.tls = keys.take("tls", .upstreamTLS, default: engine.tls)
            guard let url else { return engine }
            reportRedisSecrets(url, keys)
            return engine
        }
    }
}

/// A password, or TLS, that contradicts the URL.
func reportRedisSecrets(_ url: RedisURL, _ keys: MappingReader) {
    if url.password != nil, let position = keys.position(of: "password_file") {
        keys.context.report("the password is in the url already", at: position)
    }
    if case .unix = url.place, let position = keys.position(of: "tls") {
        keys.context.report("a Unix domain socket has no TLS", at: position)
    } else if !url.isSecure, let position = keys.position(of: "tls") {
        keys.context.report("tls needs a url that begins with rediss:// or rediss+sentinel://", at: position)
    }
}

extension RedisURL {
    /// In place of one that is missing or malformed, which is reported.
    fileprivate static var placeholder: RedisURL {
        do throws(RedisURLError) {
            return try RedisURL("redis://localhost")
        } catch {
            preconditionFailure("the URL is well-formed")
        }
    }
}

extension ValueDecoder<RedisURL?> {
    /// The text may have a password, so no message repeats it.
    static var redisURL: Self {
        text("a URL such as redis://127.0.0.1:6379") { text throws(Refusal) in
            do throws(RedisURLError) {
                return .some(try RedisURL(text))
            } catch {
                throw Refusal(message: "this is no URL of a Redis server: \(error)")
            }
        }
    }
}

extension ValueDecoder<String> {
    /// The name of an engine that the file declares.
    static func sharedEngineName(_ declared: DeclaredNames) -> Self {
        text("the name of an engine under 'shared'") { name throws(Refusal) in
            if declared.shared.contains(name) { return name }
            throw Refusal(
                message: "no engine named \(quoted(name)) under 'shared'",
                suggestion: nearestName(to: name, among: declared.shared))
        }
    }
}
