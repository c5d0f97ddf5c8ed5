/// The keys about TLS and certificates, on listeners and on sites.
extension ValueDecoder<ListenerTLSConfiguration> {
    static var listenerTLS: Self {
        .mapping { keys in
            ListenerTLSConfiguration(
                settings: takeSettings(from: &keys),
                unknownNames: keys.take(
                    "unknown_names", .word("what unknown names get", ["default": .default, "reject": .reject]),
                    default: .default),
                ticketKeys: keys.take("ticket_keys", .file))
        }
    }
}

extension ValueDecoder<TLSSettings> {
    static var siteTLS: Self {
        .mapping { keys in takeSettings(from: &keys) }
    }
}

private func takeSettings(from keys: inout MappingReader) -> TLSSettings {
    let version = ValueDecoder<TLSSettings.Version>.word("a TLS version", ["1.2": .tls12, "1.3": .tls13])
    let settings = TLSSettings(
        profile: keys.take(
            "profile", .word("a TLS profile", ["modern": .modern, "intermediate": .intermediate])),
        minimumVersion: keys.take("min", version),
        maximumVersion: keys.take("max", version),
        ciphers: keys.take("ciphers", .openSSLNames("ciphers")),
        suites: keys.take("suites", .openSSLNames("cipher suites")),
        groups: keys.take("groups", .openSSLNames("groups")),
        tickets: keys.take("tickets", .word("whether tickets are issued", ["on": true, "off": false])),
        applicationProtocols: keys.take("alpn", .list("protocols", of: .applicationProtocol)))
    if settings.minimumVersion == .tls13, settings.maximumVersion == .tls12 {
        keys.context.report("min must not be newer than max", at: keys.position(of: "min") ?? keys.position)
    }
    return settings
}

extension ValueDecoder<String> {
    /// A list of OpenSSL's names, joined as OpenSSL requires; OpenSSL checks later whether it knows them.
    fileprivate static func openSSLNames(_ noun: String) -> Self {
        let list = ValueDecoder<[String]>.list(
            noun,
            of: text("a name of OpenSSL's") { name in
                let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
                return isName ? name : nil
            })
        return Self { node, context in list.decode(node, context).map { $0.joined(separator: ":") } }
    }
}

extension ValueDecoder<TLSSettings.ApplicationProtocol> {
    fileprivate static var applicationProtocol: Self {
        text("a protocol (h2, http/1.1, http/1.0)") { name in Value(rawValue: name) }
    }
}

extension ValueDecoder<CertificateConfiguration> {
    static var certificate: Self {
        .mapping { keys in
            let chain = keys.require("chain", .file, placeholder: "")
            return takeRest(of: &keys, chain: chain)
        }
    }

    /// Every key but `chain`.
    static func takeRest(of keys: inout MappingReader, chain: String) -> CertificateConfiguration {
        var certificate = takeKey(from: &keys, chain: chain)
        certificate.ocsp = keys.take("ocsp", .path)
        certificate.authorities = keys.take("ca", .authorities)
        certificate.isWatched = keys.take("watch", .boolean)
        return certificate
    }

    /// The client certificate of the gateway itself.
    static var ownCertificate: Self {
        .mapping { keys in
            let chain = keys.require("chain", .file, placeholder: "")
            return takeKey(from: &keys, chain: chain)
        }
    }

    private static func takeKey(from keys: inout MappingReader, chain: String) -> CertificateConfiguration {
        CertificateConfiguration(
            chain: chain, key: keys.take("key", .file) ?? chain, passphraseFile: keys.take("passphrase_file", .file))
    }
}

extension ValueDecoder<CertificateConfiguration.Authorities> {
    fileprivate static var authorities: Self {
        Self { node, context in
            if case .scalar(let scalar) = node, scalar.string == "system" { return .system }
            return ValueDecoder<String>.file.decode(node, context).map { .file($0) }
        }
    }
}

extension ValueDecoder<ClientCertificateConfiguration> {
    static var clientCertificates: Self {
        .mapping { keys in
            ClientCertificateConfiguration(
                mode: keys.require(
                    "mode", .word("whether a certificate is needed", ["request": .request, "require": .require]),
                    placeholder: .require),
                authorities: keys.require("ca", .file, placeholder: ""),
                revocations: keys.take("crl", .file),
                depth: keys.take("depth", .integer(in: 0...10), default: 1), line: keys.position.line)
        }
    }
}
