import Transport

/// The section `admin`, with the listener and the site that it stands for.
struct AdminDraft {
    var configuration = AdminConfiguration()
    var listener: ListenerDraft?
    var site: SiteConfiguration?

    func reportSharedName(with names: [String], in context: DecodingContext) {
        guard let position = listener?.positions.first, names.contains(AdminConfiguration.listenerName) else { return }
        context.report(
            "the listener of this section is called \(quoted(AdminConfiguration.listenerName)): "
                + "give the one under 'listeners' another name",
            at: position)
    }
}

extension ValueDecoder<AdminDraft> {
    static var admin: Self {
        .mapping { keys in
            var draft = AdminDraft()
            draft.configuration.socket = keys.take("socket", .socketPath)
            draft.takeListener(from: &keys)
            return draft
        }
    }
}

extension AdminDraft {
    fileprivate mutating func takeListener(from keys: inout MappingReader) {
        let bind = keys.take("bind", .list("addresses", of: .located(.bindAddresses)))
        let certificates = keys.take("certificates", .list("certificates", of: .certificate), default: [])
        let hasCertificates = keys.names.contains("certificates")
        let tls = keys.take("tls", .listenerTLS) ?? (hasCertificates ? ListenerTLSConfiguration() : nil)
        let clientCertificates = keys.take("client_certificates", .clientCertificates)
        let access = keys.takeAccess()
        if let buckets = keys.take("latency_buckets", .latencyBuckets) { configuration.latencyBuckets = buckets }
        for key in ["tls", "client_certificates"] where keys.names.contains(key) && !hasCertificates {
            keys.context.report(
                "\(key) needs certificates in this section", at: keys.position(of: key) ?? keys.position)
        }
        guard let bind else {
            if !keys.names.contains("bind") { reportWithoutAddress(keys) }
            return
        }
        let isGuarded =
            access.allow != nil || access.demandsPassword || clientCertificates?.mode == .require
        if !isGuarded { reportUnguarded(bind, keys.context) }
        configuration.isListening = true
        listener = ListenerDraft(
            value: ListenerConfiguration(
                name: AdminConfiguration.listenerName, bind: bind.flatMap(\.value), tls: tls),
            positions: bind.flatMap { located in located.value.map { _ in located.position } })
        site = SiteConfiguration(
            hosts: [.any], listen: [AdminConfiguration.listenerName], certificates: certificates,
            clientCertificates: clientCertificates, root: keys.context.folder, access: access,
            routes: AdminPage.allCases.map { page in
                RouteConfiguration(path: .exact(page.path), action: .administration(page), line: keys.position.line)
            })
    }

    /// Keys that only an admin listener has.
    private func reportWithoutAddress(_ keys: MappingReader) {
        let own = ["certificates", "tls", "client_certificates", "allow", "deny", "basic_auth", "latency_buckets"]
        for key in own where keys.names.contains(key) {
            keys.context.report(
                "\(key) needs an address to listen on, see 'bind'", at: keys.position(of: key) ?? keys.position)
        }
    }

    /// What the gateway tells about itself is not for everybody who can reach it. TLS alone lets everybody ask.
    private func reportUnguarded(_ bind: [Located<[BindAddress]>], _ context: DecodingContext) {
        for located in bind {
            guard let address = located.value.first(where: { !$0.isLoopback }) else { continue }
            context.report(
                "\(address) can be reached from other machines: state who may ask, with 'allow', 'basic_auth' "
                    + "or 'client_certificates' that are required",
                at: located.position)
        }
    }
}

extension ValueDecoder<[Duration]> {
    /// Every bucket is a series of each site and kind of route.
    private static var bucketLimit: Int { 32 }

    fileprivate static var latencyBuckets: Self {
        let list = Self.list("times", of: .time(in: .milliseconds(1)...(.seconds(3600))))
        return Self { node, context in
            guard let buckets = list.decode(node, context) else { return nil }
            guard zip(buckets, buckets.dropFirst()).allSatisfy(<) else {
                context.report("the times must ascend", at: node)
                return nil
            }
            guard buckets.count <= bucketLimit else {
                context.report("there are at most \(bucketLimit) buckets, found \(buckets.count)", at: node)
                return nil
            }
            return buckets
        }
    }
}

extension AccessOverrides {
    fileprivate var demandsPassword: Bool {
        if case .on = basic { true } else { false }
    }
}

extension BindAddress {
    /// Whether only programs on the same machine can reach it (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    fileprivate var isLoopback: Bool {
        switch family {
        case .ipv4: host.hasPrefix("127.")
        case .ipv6: host == "::1"
        }
    }
}

extension ValueDecoder<AdminConfiguration> {
    /// The control socket in that section of a whole file, which may have mistakes elsewhere.
    static var adminOfFile: Self {
        Self { node, context in
            var keys = MappingReader(node, context)
            return keys?.take("admin", .expanded(.socketOnly))
        }
    }

    private static var socketOnly: Self {
        Self { node, context in
            guard var keys = MappingReader(node, context) else { return nil }
            return AdminConfiguration(socket: keys.take("socket", .socketPath))
        }
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
