import Yams

extension ValueDecoder<ServersSource> {
    /// A file, a URL such as `etcd://host:2379/services/app/`, or a mapping with more about an etcd.
    static var serversSource: Self {
        let file = ValueDecoder<String>.file
        let url = ValueDecoder<EtcdConfiguration>.etcdURL
        let section = ValueDecoder<EtcdConfiguration>.etcdSection
        return Self { node, context in
            guard case .scalar(let scalar) = node, !node.isNothing else {
                return section.decode(node, context).map { .etcd($0) }
            }
            if EtcdURL.schemes.contains(where: { scalar.string.hasPrefix($0.text) }) {
                return url.decode(node, context).map { .etcd($0) }
            }
            return file.decode(node, context).map { .file($0) }
        }
    }
}

extension ValueDecoder<EtcdConfiguration> {
    fileprivate static var etcdURL: Self {
        Self { node, context in
            let parsed = ValueDecoder<EtcdURL>.text("a URL such as \(EtcdURL.example)") { text throws(Refusal) in
                try EtcdURL(text)
            }
            return parsed.decode(node, context).map { url in
                EtcdConfiguration(endpoints: url.endpoints, prefix: url.prefix, storage: context.etcdStorage)
            }
        }
    }

    fileprivate static var etcdSection: Self {
        .mapping { keys in
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(60))
            let endpoints = keys.require("etcd", .list("members", of: .etcdEndpoint), placeholder: [])
            var etcd = EtcdConfiguration(
                endpoints: endpoints, prefix: keys.require("prefix", .etcdPrefix, placeholder: "/"),
                storage: keys.take("storage", .path, default: keys.context.etcdStorage))
            let name = keys.take("user", .name("the name of a user"))
            let passwordFile = keys.take("password_file", .file)
            if let name, let passwordFile { etcd.user = .init(name: name, passwordFile: passwordFile) }
            etcd.tls = keys.take("tls", .upstreamTLS, default: etcd.tls)
            etcd.timeout = keys.take("timeout", time, default: etcd.timeout)
            etcd.interval = keys.take(
                "interval", .time(in: .milliseconds(500) ... .seconds(3600)), default: etcd.interval)
            judge(etcd, keys)
            return etcd
        }
    }

    /// What several keys have to say together.
    private static func judge(_ etcd: EtcdConfiguration, _ keys: MappingReader) {
        for (one, other) in [("user", "password_file"), ("password_file", "user")]
        where keys.names.contains(one) && !keys.names.contains(other) {
            keys.context.report("\(one) needs \(other)", at: keys.position(of: one) ?? keys.position)
        }
        let place = keys.position(of: "etcd") ?? keys.position
        if etcd.endpoints.count > EtcdConfiguration.maximumEndpoints {
            keys.context.report(
                "at most \(EtcdConfiguration.maximumEndpoints) members can be named, found \(etcd.endpoints.count)",
                at: place)
        }
        let secure = etcd.endpoints.filter(\.isSecure)
        if !secure.isEmpty, secure.count < etcd.endpoints.count {
            keys.context.report("either all members are reached by https, or none", at: place)
        }
        if keys.names.contains("tls"), secure.isEmpty, !etcd.endpoints.isEmpty {
            keys.context.report(
                "tls needs members whose URLs begin with https://", at: keys.position(of: "tls") ?? keys.position)
        }
    }
}

extension DecodingContext {
    /// Of the system's service.
    fileprivate var etcdStorage: String { stateFolder + "/etcd" }
}

extension ValueDecoder<ServerURL> {
    fileprivate static var etcdEndpoint: Self {
        text("the URL of a member, such as https://etcd.example:2379") { text throws(Refusal) in
            for (scheme, isSecure) in [("http://", false), ("https://", true)] where text.hasPrefix(scheme) {
                return try tcp(
                    text.dropFirst(scheme.utf8.count), isSecure: isSecure, port: EtcdConfiguration.defaultPort)
            }
            return nil
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static var etcdPrefix: Self {
        text("what the keys begin with, such as /services/app/") { text throws(Refusal) in
            try EtcdURL.prefix(text)
        }
    }
}

/// The short form: `etcd://HOST[:PORT][,HOST[:PORT]…]/PREFIX`, with `etcds` for TLS.
struct EtcdURL {
    let endpoints: [ServerURL]
    let prefix: String

    static let schemes = [(text: "etcd://", isSecure: false), (text: "etcds://", isSecure: true)]
    static let example = "etcd://10.0.0.1:2379,10.0.0.2:2379/services/app/"

    /// Nil for a text of another form.
    init?(_ text: String) throws(Refusal) {
        guard let scheme = Self.schemes.first(where: { text.hasPrefix($0.text) }) else { return nil }
        let rest = text.dropFirst(scheme.text.utf8.count)
        guard !rest.contains("@") else {
            throw Refusal(
                message: "a user and its password are given by the keys user and password_file, in the form "
                    + "servers_from: { etcd: …, prefix: … }")
        }
        guard let slash = rest.firstIndex(of: "/") else {
            throw Refusal(message: "expected a prefix of keys after the members, as in \(Self.example)")
        }
        var endpoints: [ServerURL] = []
        for member in rest[..<slash].split(separator: ",", omittingEmptySubsequences: false) {
            guard
                let endpoint = try ServerURL.etcdMember(member, isSecure: scheme.isSecure)
            else { return nil }
            endpoints.append(endpoint)
        }
        guard endpoints.count <= EtcdConfiguration.maximumEndpoints else {
            throw Refusal(
                message: "at most \(EtcdConfiguration.maximumEndpoints) members can be named, found \(endpoints.count)")
        }
        self.endpoints = endpoints
        prefix = try Self.prefix(String(rest[slash...]))
    }

    /// With a slash at the end, so that `/app` has nothing of `/application`.
    static func prefix(_ text: String) throws(Refusal) -> String {
        let prefix = text.hasSuffix("/") ? text : text + "/"
        guard prefix != "/" else { throw Refusal(message: "a prefix of keys names more than the root") }
        guard prefix.utf8.count <= EtcdConfiguration.maximumPrefixBytes else {
            throw Refusal(
                message: "a prefix of keys has at most \(EtcdConfiguration.maximumPrefixBytes) bytes, found "
                    + "\(prefix.utf8.count)")
        }
        guard prefix.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw Refusal(message: "a prefix of keys has no control characters")
        }
        return prefix
    }
}

extension ServerURL {
    fileprivate static func etcdMember(_ text: Substring, isSecure: Bool) throws(Refusal) -> ServerURL? {
        try ValueDecoder<ServerURL>.tcp(text, isSecure: isSecure, port: EtcdConfiguration.defaultPort)
    }
}
