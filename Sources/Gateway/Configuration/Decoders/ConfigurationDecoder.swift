import ISAPI
import Transport

/// The keys of the file's top level and of every section except the sites.
extension ValueDecoder<Configuration> {
    static var configuration: Self {
        .mapping { keys in
            _ = keys.require("version", .formatVersion, placeholder: 1)
            let workers = keys.take("workers", .workers, default: .automatic)
            let user = keys.take("user", .account)
            let isWatching = keys.take("watch", .boolean, default: false)
            let listeners = keys.require(
                "listeners", .named("listeners", of: { .listener(name: $0) }), placeholder: NamedValues())
            let admin = keys.take("admin", .admin, default: AdminConfiguration())
            let log = keys.take("log", .log, default: LogConfiguration())
            let requestID = keys.take("request_id", .requestID, default: RequestIDConfiguration())
            let limits = keys.take("limits", .limits, default: LimitsConfiguration())
            let fileCache = keys.take("file_cache", .fileCache, default: FileCacheConfiguration())
            let drain = keys.take("drain", .drain, default: DrainConfiguration())
            let extensions = keys.take(
                "extensions", .named("extensions", of: { .isapiExtension(name: $0) }), default: NamedValues())
            let resolver = keys.take("resolver", .resolver, default: ResolverConfiguration())
            let upstreams = keys.take(
                "upstreams", .named("upstreams", of: { .upstream(name: $0) }), default: NamedValues())

            let declared = DeclaredNames(
                listeners: listeners, extensions: extensions.names, upstreams: upstreams.names)
            let sites = keys.require("sites", .list("sites", of: .site(declared)), placeholder: [])
            reportSharedAddresses(of: listeners.values, in: keys.context)
            reportSharedHosts(of: sites, in: keys.context)

            return Configuration(
                workers: workers, user: user, isWatching: isWatching, listeners: listeners.values.map(\.value),
                admin: admin, log: log, requestID: requestID, limits: limits, fileCache: fileCache, drain: drain,
                extensions: extensions.values, resolver: resolver,
                upstreams: upstreams.values + keys.context.namedByURL, sites: sites.map(\.configuration),
                notes: keys.context.notes)
        }
    }
}

extension ValueDecoder<Int> {
    fileprivate static var formatVersion: Self {
        text("the version of the file's format, 1") { $0 == "1" ? 1 : nil }
    }
}

extension ValueDecoder<Workers> {
    fileprivate static var workers: Self {
        let count = ValueDecoder<Int>.integer(in: 1...256)
        return Self { node, context in
            if node.scalar?.string == "auto" { return .automatic }
            return count.decode(node, context).map { .count($0) }
        }
    }
}

/// A listener and the position of each of its addresses.
struct ListenerDraft {
    var value: ListenerConfiguration
    var positions: [SourcePosition]
}

extension ValueDecoder<ListenerDraft> {
    fileprivate static func listener(name: String) -> Self {
        .mapping { keys in
            let bind = keys.require("bind", .list("addresses", of: .located(.bindAddresses)), placeholder: [])
                .flatMap { located in located.value.map { Located(value: $0, position: located.position) } }
            // TLS stays on when its section has mistakes, so that the checks on certificates still apply.
            let tls = keys.take("tls", .listenerTLS) ?? (keys.names.contains("tls") ? ListenerTLSConfiguration() : nil)
            let proxies = keys.take("proxy_protocol", .proxyProtocol, default: nil)
            let trusted = keys.take("trusted", .trustedProxies)
            return ListenerDraft(
                value: ListenerConfiguration(
                    name: name, bind: bind.map(\.value), proxies: proxies, trusted: trusted, tls: tls,
                    expectsHTTP2: keys.take(
                        "h2c", .word("whether HTTP/2 is served without TLS", ["on": true, "off": false]), default: false
                    )),
                positions: bind.map(\.position))
        }
    }
}

extension ValueDecoder<[IPNetwork]?> {
    /// Whether connections begin with a header is configured, never guessed: a client could send one as well as a
    /// proxy.
    fileprivate static var proxyProtocol: Self {
        .mapping { keys in
            let isRequired = keys.require(
                "mode", .word("whether a header is required", ["required": true, "off": false]), placeholder: false)
            let networks = keys.take("from", .list("networks", of: .network))
            if isRequired, networks == nil, !keys.names.contains("from") {
                keys.context.report("missing key 'from': the networks whose headers are believed", at: keys.position)
            }
            return isRequired ? networks ?? [] : nil
        }
    }
}

extension ValueDecoder<TrustedProxiesConfiguration> {
    fileprivate static var trustedProxies: Self {
        .mapping { keys in
            TrustedProxiesConfiguration(
                networks: keys.require("from", .list("networks", of: .network), placeholder: []),
                field: keys.take(
                    "field",
                    .word(
                        "the field that the proxies write",
                        ["x-forwarded-for": .xForwardedFor, "forwarded": .forwarded]),
                    default: .xForwardedFor))
        }
    }
}

extension ValueDecoder<AdminConfiguration> {
    /// That section of a whole file, which may have mistakes elsewhere.
    static var adminOfFile: Self {
        Self { node, context in
            var keys = MappingReader(node, context)
            return keys?.take("admin", .expanded(.admin))
        }
    }

    fileprivate static var admin: Self {
        .mapping { keys in AdminConfiguration(socket: keys.take("socket", .socketPath)) }
    }
}

extension ValueDecoder<String> {
    fileprivate static var socketPath: Self {
        Self { node, context in
            guard let path = Self.path.decode(node, context) else { return nil }
            guard path.utf8.count <= AdminConfiguration.maximumSocketPathBytes else {
                context.report(
                    "the path of a socket has at most \(AdminConfiguration.maximumSocketPathBytes) bytes, \(quoted(path)) has "
                        + "\(path.utf8.count)", at: node)
                return nil
            }
            return path
        }
    }
}

extension ValueDecoder<LogConfiguration> {
    fileprivate static var log: Self {
        let defaults = LogConfiguration()
        return .mapping { keys in
            LogConfiguration(
                level: keys.take("level", .logLevel, default: defaults.level),
                access: keys.take("access", .accessLog, default: defaults.access))
        }
    }
}

extension ValueDecoder<LogConfiguration.Level> {
    fileprivate static var logLevel: Self {
        .word(
            "a log level",
            [
                "trace": .trace, "debug": .debug, "info": .info, "notice": .notice, "warning": .warning,
                "error": .error,
            ])
    }
}

extension ValueDecoder<AccessLogConfiguration?> {
    fileprivate static var accessLog: Self {
        let path = ValueDecoder<String>.path
        let destination = ValueDecoder<AccessLogConfiguration.Destination> { node, context in
            node.scalar?.string == "-" ? .standardOutput : path.decode(node, context).map { .file($0) }
        }
        let section = Self.mapping { keys in
            AccessLogConfiguration(
                destination: keys.require("path", destination, placeholder: .standardOutput),
                format: keys.take(
                    "format", .word("a log format", ["combined": .combined, "json": .json, "w3c": .w3c]),
                    default: .combined))
        }
        return Self { node, context in
            switch node {
            case .scalar(let scalar) where scalar.string == "off": return .some(nil)
            case .mapping: return section.decode(node, context)
            default:
                context.report("expected off or a mapping with a path and a format, found \(node.found)", at: node)
                return nil
            }
        }
    }
}

extension ValueDecoder<LimitsConfiguration> {
    fileprivate static var limits: Self {
        let defaults = LimitsConfiguration()
        let timeout = ValueDecoder<Duration>.time(in: .milliseconds(100)...(.seconds(3600)))
        return .mapping { keys in
            var limits = LimitsConfiguration(
                requestHead: keys.take("request_head", .size(in: 1 << 10...1 << 20), default: defaults.requestHead),
                requestLine: keys.take("request_line", .size(in: 256...1 << 20), default: defaults.requestLine),
                requestFields: keys.take("request_fields", .integer(in: 1...1000), default: defaults.requestFields),
                requestBody: keys.take("request_body", .size(in: 0...1 << 40), default: defaults.requestBody),
                headerTimeout: keys.take("header_timeout", timeout, default: defaults.headerTimeout),
                bodyTimeout: keys.take("body_timeout", timeout, default: defaults.bodyTimeout),
                idleTimeout: keys.take("idle_timeout", timeout, default: defaults.idleTimeout),
                writeTimeout: keys.take("write_timeout", timeout, default: defaults.writeTimeout),
                handshakeTimeout: keys.take("handshake_timeout", timeout, default: defaults.handshakeTimeout),
                maxConnections: keys.take(
                    "max_connections", .integer(in: 1...1_000_000), default: defaults.maxConnections),
                unreadBody: keys.take("unread_body", .size(in: 0...16 << 20), default: defaults.unreadBody),
                lingeringTime: keys.take("lingering_time", timeout, default: defaults.lingeringTime),
                compressionMemory: keys.take(
                    "compression_memory", .size(in: 0...1 << 40), default: defaults.compressionMemory))
            limits.takeClientLimits(from: &keys)
            limits.http2 = keys.take("http2", .http2Limits, default: defaults.http2)
            if limits.requestLine > limits.requestHead {
                keys.context.report(
                    "request_line (\(formatSize(limits.requestLine))) must not be larger than request_head "
                        + "(\(formatSize(limits.requestHead))), which contains it",
                    at: keys.position(of: "request_line") ?? keys.position(of: "request_head") ?? keys.position)
            }
            return limits
        }
    }
}

extension ValueDecoder<DrainConfiguration> {
    fileprivate static var drain: Self {
        .mapping { keys in
            DrainConfiguration(
                grace: keys.take("grace", .time(in: .zero ... .seconds(3600)), default: DrainConfiguration().grace))
        }
    }
}

extension ValueDecoder<ExtensionConfiguration> {
    fileprivate static func isapiExtension(name: String) -> Self {
        .mapping { keys in
            var pool = ExtensionConfiguration(name: name, library: "")
            pool.library = keys.require("library", .file, placeholder: "")
            pool.placement = keys.take("run", .placement, default: pool.placement)
            pool.threads = keys.take("threads", .integer(in: 1...256), default: pool.threads)
            pool.queue = keys.take("queue", .integer(in: 1...1_000_000), default: pool.queue)
            pool.requestTimeout = keys.take(
                "request_timeout", .time(in: .milliseconds(100) ... .seconds(86_400)), default: pool.requestTimeout)
            pool.spoolsRequest = keys.take("spool_request", .boolean, default: pool.spoolsRequest)
            pool.spoolLimit = keys.take("spool_limit", .size(in: 0...1 << 40), default: pool.spoolLimit)
            pool.spoolMemory = keys.take("spool_memory", .size(in: 0...64 << 20), default: pool.spoolMemory)
            pool.spoolFolder = keys.takeFolder("spool_folder", default: pool.spoolFolder, isUsed: pool.spoolsRequest)
            let spoolKeys = ["spool_limit", "spool_memory", "spool_folder"]
            for key in spoolKeys where !pool.spoolsRequest && keys.names.contains(key) {
                keys.context.report("\(key) needs spool_request: true", at: keys.position(of: key) ?? keys.position)
            }
            pool.paths = keys.take("paths", .paths, default: pool.paths)
            pool.load = keys.take("load", .load, default: pool.load)
            pool.idleUnload = keys.take("idle_unload", .idleUnload, default: pool.idleUnload)
            pool.loadRetry = keys.take(
                "load_retry", .time(in: .milliseconds(100) ... .seconds(3600)), default: pool.loadRetry)
            pool.recycleInterval = keys.take(
                "recycle_interval", .time(in: .milliseconds(100) ... .seconds(86_400)), default: pool.recycleInterval)
            pool.isolation = isolation(&keys, isUsed: pool.placement == .isolated)
            return pool
        }
    }

    private static func isolation(_ keys: inout MappingReader, isUsed: Bool) -> IsolationConfiguration {
        var isolation = IsolationConfiguration()
        let limit = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(3600))
        isolation.processes = keys.take("processes", .integer(in: 1...64), default: isolation.processes)
        isolation.startLimit = keys.take("start_limit", limit, default: isolation.startLimit)
        isolation.stopLimit = keys.take("stop_limit", limit, default: isolation.stopLimit)
        let ping = keys.take("ping", .ping, default: Ping())
        (isolation.pingInterval, isolation.pingTimeout) = (ping.every, ping.timeout)
        isolation.rapidFail = keys.take("rapid_fail", .rapidFail, default: isolation.rapidFail)
        let variables = keys.take(
            "environment",
            .named("environment variables") { name in
                .text("the value of an environment variable") { value in "\(name)=\(value)" }
            })
        isolation.environment = variables?.values ?? []
        for key in ["processes", "start_limit", "stop_limit", "ping", "rapid_fail", "environment"]
        where !isUsed && keys.names.contains(key) {
            keys.context.report("\(key) needs run: isolated", at: keys.position(of: key) ?? keys.position)
        }
        return isolation
    }
}

private struct Ping {
    var every = IsolationConfiguration().pingInterval
    var timeout = IsolationConfiguration().pingTimeout
}

extension ValueDecoder<Ping> {
    fileprivate static var ping: Self {
        .mapping { keys in
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(3600))
            return Ping(
                every: keys.take("every", time, default: Ping().every),
                timeout: keys.take("timeout", time, default: Ping().timeout))
        }
    }
}

extension ValueDecoder<RapidFail> {
    fileprivate static var rapidFail: Self {
        .mapping { keys in
            var rapidFail = RapidFail()
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
            rapidFail.crashes = keys.take("crashes", .integer(in: 1...1000), default: rapidFail.crashes)
            rapidFail.within = keys.take("within", time, default: rapidFail.within)
            rapidFail.pause = keys.take("pause", time, default: rapidFail.pause)
            return rapidFail
        }
    }
}

extension ValueDecoder<PathStyle> {
    static var paths: Self {
        .word("how an extension is given paths", ["unix": .unix, "windows": .windows])
    }
}

extension ValueDecoder<ExtensionConfiguration.Load> {
    static var load: Self {
        .word("when the extension is loaded", ["startup": .startup, "first_request": .firstRequest])
    }
}

extension ValueDecoder<Duration?> {
    /// A time or `off`.
    static var idleUnload: Self {
        let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
        return Self { node, context in
            if node.scalar?.string == "off" { return .some(nil) }
            return time.decode(node, context).map { .some($0) }
        }
    }
}

extension ValueDecoder<ExtensionConfiguration.Placement> {
    fileprivate static var placement: Self {
        text("where the extension runs (in_process or isolated)") { word throws(Refusal) in
            switch word {
            case "in_process": return .inProcess
            case "isolated": return .isolated
            case "wine":
                throw Refusal(message: "run: wine is not available; extensions run in_process or isolated")
            default: return nil
            }
        }
    }
}

private func reportSharedAddresses(of listeners: [ListenerDraft], in context: DecodingContext) {
    var first: [String: SourcePosition] = [:]
    for listener in listeners {
        for (address, position) in zip(listener.value.bind, listener.positions) where address.port != 0 {
            if let earlier = first[address.description] {
                context.report("\(address) is bound twice, first on line \(earlier.line)", at: position)
            } else {
                first[address.description] = position
            }
        }
    }
}
