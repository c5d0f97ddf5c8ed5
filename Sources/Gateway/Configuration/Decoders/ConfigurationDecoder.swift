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
            let admin = keys.take("admin", .admin, default: AdminDraft())
            let log = keys.take("log", .log, default: LogConfiguration())
            let requestID = keys.take("request_id", .requestID, default: RequestIDConfiguration())
            let traceContext = keys.take("trace_context", .traceContext, default: nil)
            let recorder = keys.take("recorder", .recorder)
            let limits = keys.take("limits", .limits, default: LimitsConfiguration())
            let fileCache = keys.take("file_cache", .fileCache, default: FileCacheConfiguration())
            let drain = keys.take("drain", .drain, default: DrainConfiguration())
            let acme = keys.take("acme", .named("issuers", of: { .acme(name: $0) }), default: NamedValues())
            reportSharedFolders(of: acme.values, keys)
            let pools = keys.take("pools", .named("pools", of: { .pool(name: $0) }), default: NamedValues())
            let extensions = keys.take(
                "extensions", .named("extensions", of: { .isapiExtension(name: $0, pools) }), default: NamedValues())
            reportPoolsWithoutExtensions(pools, extensions.values, keys)
            let resolver = keys.take("resolver", .resolver, default: ResolverConfiguration())
            let upstreams = keys.take(
                "upstreams", .named("upstreams", of: { .upstream(name: $0) }), default: NamedValues())
            let discovered = upstreams.values.count { $0.etcd != nil }
            if discovered > EtcdConfiguration.maximumUpstreams {
                keys.context.report(
                    "servers of at most \(EtcdConfiguration.maximumUpstreams) upstreams can come from etcd, found "
                        + "\(discovered)", at: keys.position(of: "upstreams") ?? keys.position)
            }
            let shared = keys.take(
                "shared", .named("engines", of: { .sharedEngine(name: $0) }), default: NamedValues())

            let declared = DeclaredNames(
                listeners: listeners, extensions: extensions.names, upstreams: upstreams.names,
                logs: log.access.map(\.name), shared: shared.names, acme: acme)
            let sites = keys.require("sites", .list("sites", of: .site(declared)), placeholder: [])
            reportSharedAddresses(of: listeners.values + [admin.listener].compactMap(\.self), in: keys.context)
            admin.reportSharedName(with: listeners.names, in: keys.context)
            reportSharedHosts(of: sites, in: keys.context)

            return Configuration(
                workers: workers, user: user, isWatching: isWatching,
                listeners: (listeners.values + [admin.listener].compactMap(\.self)).map(\.value),
                admin: admin.configuration, log: log, requestID: requestID, traceContext: traceContext,
                recorder: recorder, limits: limits, fileCache: fileCache, drain: drain, acme: acme.values,
                extensions: extensions.values, resolver: resolver,
                upstreams: upstreams.values + keys.context.namedByURL, shared: shared.values,
                sites: sites.map(\.configuration) + [admin.site].compactMap(\.self),
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
                delay: keys.take("delay", .time(in: .zero ... .seconds(3600)), default: DrainConfiguration().delay),
                grace: keys.take("grace", .time(in: .zero ... .seconds(3600)), default: DrainConfiguration().grace))
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
