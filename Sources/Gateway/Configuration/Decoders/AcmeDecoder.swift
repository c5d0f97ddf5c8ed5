import Redis
import Transport
import Yams

/// The section `acme`, and what sites may say about it.
extension ValueDecoder<AcmeConfiguration> {
    static func acme(name: String) -> Self {
        .mapping { keys in
            var acme = AcmeConfiguration(
                name: name, directory: keys.require("directory", .acmeDirectory, placeholder: ""), storage: "")
            acme.staging = keys.take("staging", .acmeDirectory)
            acme.contact = keys.take("contact", .list("addresses", of: .acmeContact), default: [])
            let isAgreed = keys.require(
                "terms_agreed", .boolean, placeholder: keys.names.contains("terms_agreed"))
            if !isAgreed, keys.names.contains("terms_agreed") {
                keys.context.report(
                    "the terms of the authority have to be agreed to: terms_agreed: true",
                    at: keys.position(of: "terms_agreed") ?? keys.position)
            }
            acme.keys = keys.take(
                "key",
                .word(
                    "the kind of key",
                    [
                        "ecdsa-p256": [.ecdsaP256], "ecdsa-p384": [.ecdsaP384], "rsa-2048": [.rsa],
                        "both": [.ecdsaP256, .rsa],
                    ]), default: acme.keys)
            acme.challenges = keys.take("challenge", .list("challenges", of: .acmeChallenge), default: acme.challenges)
            acme.dns = keys.take("dns", .acmeDNS)
            if acme.challenges.contains(.dns), !keys.names.contains("dns") {
                keys.context.report(
                    "dns-01 needs a program that publishes records: dns: { command: [FILE] }",
                    at: keys.position(of: "challenge") ?? keys.position)
            }
            if acme.dns != nil, !acme.challenges.contains(.dns) {
                keys.context.report(
                    "dns is for the challenge dns-01, which is not used", at: keys.position(of: "dns") ?? keys.position)
            }
            acme.binding = keys.take("eab", .acmeBinding)
            acme.profile = keys.take("profile", .acmeWord("a profile of the authority"))
            acme.authorities = keys.take("ca", .file)
            acme.preferredChain = keys.take("preferred_chain", .name("the name of an issuer"))
            acme.storage = keys.context.stateFolder + "/acme"
            if let storage = keys.take("storage", .acmeStorage) {
                acme.storage = storage.folder ?? acme.storage
                acme.sharedStorage = storage.shared
            }
            acme.storageKeyFile = keys.take("storage_key_file", .file)
            acme.waits = keys.take(
                "start", .word("what a start without a certificate does", ["placeholder": false, "wait": true]),
                default: false)
            return acme
        }
    }
}

extension DecodingContext {
    /// Of the system's service.
    var stateFolder: String { "/var/lib/isagate" }
}

extension ValueDecoder<String> {
    fileprivate static var acmeDirectory: Self {
        text("letsencrypt, letsencrypt-staging, or the https URL of a directory") { text in
            switch text {
            case "letsencrypt": return AcmeConfiguration.letsEncrypt
            case "letsencrypt-staging": return AcmeConfiguration.letsEncryptStaging
            default:
                let isURL =
                    text.hasPrefix("https://") && text.utf8.count > 8 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                return isURL ? text : nil
            }
        }
    }

    fileprivate static var acmeContact: Self {
        text("an address of mail") { text in
            let address = text.hasPrefix("mailto:") ? String(text.dropFirst(7)) : text
            let parts = address.split(separator: "@", omittingEmptySubsequences: false)
            let isAddress =
                parts.count == 2 && !parts[0].isEmpty && isDomainName(parts[1].lowercased()[...])
                && address.utf8.allSatisfy {
                    $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: ",")
                }
            return isAddress ? "mailto:" + address : nil
        }
    }

    fileprivate static func acmeWord(_ noun: String) -> Self {
        text(noun) { text in
            (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte) ? text : nil
        }
    }
}

/// The value of `storage`: a folder, a URL of Redis, or a mapping with both.
struct AcmeStorageConfiguration {
    var folder: String?
    var shared: SharedStorageConfiguration?
}

extension ValueDecoder<AcmeStorageConfiguration> {
    fileprivate static var acmeStorage: Self {
        let mapping = ValueDecoder.mapping { keys in
            let url = keys.require("redis", .redisURL, placeholder: nil)
            let position = keys.position(of: "redis") ?? keys.position
            let passwordFile = keys.take("password_file", .file)
            let tls = keys.take("tls", .upstreamTLS, default: UpstreamTLSConfiguration())
            let timeout = keys.take(
                "timeout", .time(in: .milliseconds(100)...(.seconds(30))), default: .defaultStorageTimeout)
            let prefix = keys.take("prefix", .redisPrefix)
            let lockTimeout = keys.take("lock_timeout", .time(in: .seconds(5)...(.seconds(600))))
            let folder = keys.take("folder", .path)
            guard let url else { return AcmeStorageConfiguration(folder: folder) }
            reportObstacle(url, position, keys.context)
            reportRedisSecrets(url, keys)
            var shared = SharedStorageConfiguration(
                redis: RedisConfiguration(
                    url: url, passwordFile: passwordFile, tls: tls, timeout: timeout))
            shared.prefix = prefix ?? shared.prefix
            shared.lockTimeout = lockTimeout ?? shared.lockTimeout
            return AcmeStorageConfiguration(folder: folder, shared: shared)
        }
        return mapping.or(scalar: .acmeStoragePlace) { $0 }
    }

    private static var acmeStoragePlace: Self {
        let folder = ValueDecoder<String>.path
        let url = ValueDecoder<RedisURL?>.redisURL
        return Self { node, context in
            if case .scalar(let scalar) = node, scalar.string.contains("://") {
                return url.decode(node, context).flatMap { $0 }.map { url in
                    reportObstacle(url, node.position, context)
                    let redis = RedisConfiguration(url: url, timeout: .defaultStorageTimeout)
                    return AcmeStorageConfiguration(shared: SharedStorageConfiguration(redis: redis))
                }
            }
            return folder.decode(node, context).map { AcmeStorageConfiguration(folder: $0) }
        }
    }
}

private func reportObstacle(_ url: RedisURL, _ position: SourcePosition, _ context: DecodingContext) {
    if case .unix = url.place {
        context.report("a socket of this machine leads to no storage of several gateways", at: position)
    }
}

/// A folder is a storage, or the copy of one.
func reportSharedFolders(of issuers: [AcmeConfiguration], _ keys: MappingReader) {
    for (index, issuer) in issuers.enumerated() {
        guard let other = issuers[..<index].first(where: { $0.storage == issuer.storage }),
            other.sharedStorage != issuer.sharedStorage
        else { continue }
        keys.context.report(
            "issuers \(quoted(issuer.name)) and \(quoted(other.name)) have the same folder, and different storages: "
                + quoted(issuer.storage), at: keys.position(of: "acme") ?? keys.position)
    }
}

extension Duration {
    /// Nothing that a client waits for depends on the storage; a server that does not answer for so long is away.
    fileprivate static var defaultStorageTimeout: Duration { .seconds(2) }
}

extension ValueDecoder<String> {
    fileprivate static var redisPrefix: Self {
        text("the beginning of names of keys") { text in
            (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte) ? text : nil
        }
    }
}

extension ValueDecoder<AcmeConfiguration.Challenge> {
    fileprivate static var acmeChallenge: Self {
        .word(
            "a challenge", ["http-01": .http, "tls-alpn-01": .tlsALPN, "dns-01": .dns, "dns-persist-01": .dnsPersist])
    }
}

extension ValueDecoder<AcmeConfiguration.DNS> {
    fileprivate static var acmeDNS: Self {
        .mapping { keys in
            var dns = AcmeConfiguration.DNS()
            dns.command = keys.require("command", .list("words of a command", of: .string), placeholder: [])
            if keys.names.contains("command"), dns.command.first?.hasPrefix("/") != true {
                keys.context.report(
                    "command begins with the absolute path of a program, found \(quoted(dns.command.first ?? ""))",
                    at: keys.position(of: "command") ?? keys.position)
            }
            dns.timeout = keys.take("timeout", .time(in: .seconds(1) ... .seconds(600)), default: dns.timeout)
            dns.propagation = keys.take("propagation", .time(in: .zero ... .seconds(1800)), default: dns.propagation)
            return dns
        }
    }
}

extension ValueDecoder<AcmeConfiguration.Binding> {
    fileprivate static var acmeBinding: Self {
        .mapping { keys in
            AcmeConfiguration.Binding(
                keyID: keys.require("key_id", .name("the identifier of the key"), placeholder: ""),
                keyFile: keys.require("key_file", .file, placeholder: ""))
        }
    }
}

/// An element of `certificates` of a site.
enum CertificateEntry {
    case files(CertificateConfiguration)
    case acme(name: String?, SourcePosition)
}

extension ValueDecoder<CertificateEntry> {
    /// Files, `{ acme: NAME }`, or `acme` where one issuer is configured.
    static var certificateEntry: Self {
        let word = ValueDecoder<Bool>.word("certificates", ["acme": true])
        let mapping = ValueDecoder.mapping { keys in
            let issuer = keys.take("acme", .string)
            if keys.names.contains("acme") { return .acme(name: issuer ?? "", keys.position) }
            let chain = keys.take("chain", .file, orElse: "acme") ?? ""
            return .files(ValueDecoder<CertificateConfiguration>.takeRest(of: &keys, chain: chain))
        }
        return Self { node, context in
            guard case .scalar = node, !node.isNothing else { return mapping.decode(node, context) }
            return word.decode(node, context).map { _ in .acme(name: nil, node.position) }
        }
    }
}

/// Turns the entries of a site into files.
struct AcmeResolution {
    let issuers: NamedValues<AcmeConfiguration>
    let context: DecodingContext

    func certificates(
        _ entries: [CertificateEntry], of hosts: [Located<HostPattern>], listen: [String], _ declared: DeclaredNames
    ) -> [CertificateConfiguration] {
        var files: [CertificateConfiguration] = []
        var chosen: [AcmeConfiguration] = []
        var position: SourcePosition?
        for entry in entries {
            switch entry {
            case .files(let certificate): files.append(certificate)
            case .acme(let name, let place):
                position = position ?? place
                if let issuer = issuer(name, place) { chosen.append(issuer) }
            }
        }
        guard let position, !chosen.isEmpty else { return files }
        judge(hosts, chosen, position, listen, declared)
        return files + AcmeConfiguration.certificates(hosts.map(\.value), by: chosen)
    }

    private func issuer(_ name: String?, _ position: SourcePosition) -> AcmeConfiguration? {
        guard let name else {
            if issuers.names.count == 1 { return issuers.values.first }
            let reason = issuers.names.isEmpty ? "there is no section 'acme'" : "there are several: use { acme: NAME }"
            context.report("certificates: acme needs one issuer, and \(reason)", at: position)
            return nil
        }
        guard issuers.names.contains(name) else {
            context.report(
                "unknown issuer \(quoted(name))", at: position, suggestion: nearestName(to: name, among: issuers.names))
            return nil
        }
        return issuers.values.first { $0.name == name }
    }

    /// What can be known without the network.
    private func judge(
        _ hosts: [Located<HostPattern>], _ issuers: [AcmeConfiguration], _ position: SourcePosition, _ listen: [String],
        _ declared: DeclaredNames
    ) {
        let named = hosts.filter { $0.value.certificateName != nil }
        if named.isEmpty {
            context.report("acme orders certificates for names, and this site has none", at: position)
        }
        if named.count > Self.nameLimit {
            context.report(
                "a certificate has at most \(Self.nameLimit) names, and this site has \(named.count)", at: position)
        }
        for issuer in issuers {
            for host in named {
                guard let name = host.value.certificateName else { continue }
                if name.hasPrefix("*"), !issuer.challenges.contains(where: \.usesDomain) {
                    context.report(
                        "\(quoted(name)): a wildcard is not proved by http-01 and tls-alpn-01; \(quoted(issuer.name)) "
                            + "needs dns-01 or dns-persist-01", at: host.position)
                }
                if IPAddress(name) != nil, issuer.challenges.allSatisfy(\.usesDomain) {
                    let challenges = issuer.challenges.map(\.rawValue).joined(separator: " and ")
                    context.report(
                        "\(quoted(name)): an address is not proved by \(challenges), the challenge of "
                            + quoted(issuer.name), at: host.position)
                }
                guard issuer.isPublic, let reason = Self.obstacle(name) else { continue }
                context.report("\(quoted(name)): no public authority issues for it: \(reason)", at: host.position)
            }
            judge(challengesOf: issuer, position, listen, declared)
        }
    }

    private static let nameLimit = 100

    private func judge(
        challengesOf issuer: AcmeConfiguration, _ position: SourcePosition, _ listen: [String],
        _ declared: DeclaredNames
    ) {
        let listeners = declared.listeners.values.map(\.value)
        let plain = listeners.filter { $0.tls == nil }
        let secure = listeners.filter { $0.tls != nil && listen.contains($0.name) }
        let hasHTTP = issuer.challenges.contains(.http) && !plain.isEmpty
        let hasTLS = issuer.challenges.contains(.tlsALPN) && !secure.isEmpty
        let needsListener = issuer.challenges.contains { !$0.usesDomain }
        guard hasHTTP || hasTLS || !needsListener else {
            let wanted = issuer.challenges.contains(.http) ? "without TLS for http-01" : "with TLS for tls-alpn-01"
            return context.report("issuer \(quoted(issuer.name)) needs a listener \(wanted)", at: position)
        }
        let ports =
            (hasHTTP ? plain.flatMap(\.bind).map { ($0, UInt16(80)) } : [])
            + (hasTLS ? secure.flatMap(\.bind).map { ($0, UInt16(443)) } : [])
        if issuer.isPublic, needsListener, !ports.contains(where: { $0.0.port == $0.1 }) {
            context.note(
                "the authority connects to port \(hasHTTP ? "80" : "443"), on which no listener is; something has to pass "
                    + "its connections on", at: position)
        }
    }

    /// Why no public authority may issue for a name (Baseline Requirements of the CA/Browser Forum, §4.2.2).
    private static func obstacle(_ name: String) -> String? {
        if let address = IPAddress(name) {
            let ranges = [
                "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7",
                "fe80::/10", "::1/128",
            ]
            return ranges.contains { IPNetwork($0)?.contains(address) == true }
                ? "the address is not a public one" : nil
        }
        let labels = name.split(separator: ".")
        if labels.count < 2 { return "it is no name of a domain" }
        if name.contains("_") { return "it has an underscore" }
        let last = labels.last.map(String.init) ?? ""
        let reserved = [
            "test", "example", "invalid", "localhost", "local", "internal", "lan", "home", "corp", "onion", "alt",
        ]
        if reserved.contains(last) || name.hasSuffix(".home.arpa") { return "names below .\(last) are not public" }
        return last.allSatisfy(\.isNumber) ? "it is no name of a domain" : nil
    }
}
