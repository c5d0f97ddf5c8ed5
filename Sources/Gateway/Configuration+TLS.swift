import TLS

extension Configuration {
    /// The listeners with TLS and their sites, in the form for the certificate loader.
    package var tlsListeners: [TLSListenerDescription] {
        listeners.compactMap { listener in
            guard let tls = listener.tls else { return nil }
            let policy = tls.settings.applied(to: TLSPolicy())
            let sites = sites.filter { $0.listen.contains(listener.name) && !$0.certificates.isEmpty }
            return TLSListenerDescription(
                name: listener.name, policy: policy,
                unknownNames: tls.unknownNames == .reject ? .rejected : .answeredByDefault,
                ticketKeys: tls.ticketKeys, sites: sites.map { SiteDescription($0, listener: policy) })
        }
    }
}

extension SiteDescription {
    fileprivate init(_ site: SiteConfiguration, listener policy: TLSPolicy) {
        self.init(
            hosts: site.hosts.map { ServerNamePattern($0.description) }, policy: site.tls.applied(to: policy),
            certificates: site.certificates.map { CertificateFiles($0) } + site.placeholders,
            clientCertificates: site.clientCertificates.map { clients in
                ClientCertificatePolicy(
                    mode: clients.mode == .require ? .require : .request, authorities: clients.authorities,
                    depth: clients.depth, revocations: clients.revocations)
            })
    }
}

extension CertificateFiles {
    fileprivate init(_ files: CertificateConfiguration) {
        self.init(
            chain: files.chain, key: files.key, passphrase: files.passphraseFile, ocsp: files.ocsp,
            authorities: files.authorities.map { Authorities($0) })
        if files.acme != nil { role = .issued }
    }
}

extension CertificateFiles.Authorities {
    fileprivate init(_ authorities: CertificateConfiguration.Authorities) {
        switch authorities {
        case .system: self = .system
        case .file(let path): self = .file(path)
        }
    }
}

extension TLSSettings {
    /// The policy that results when these settings are added to inherited ones.
    func applied(to inherited: TLSPolicy) -> TLSPolicy {
        var policy = inherited
        switch profile {
        case .modern: policy = TLSPolicy(.modern)
        case .intermediate: policy = TLSPolicy(.intermediate)
        case nil: break
        }
        if let minimumVersion { policy.minimum = TLSPolicy.Version(minimumVersion) }
        if let maximumVersion { policy.maximum = TLSPolicy.Version(maximumVersion) }
        policy.ciphers = ciphers ?? policy.ciphers
        policy.suites = suites ?? policy.suites
        policy.groups = groups ?? policy.groups
        policy.issuesTickets = tickets ?? policy.issuesTickets
        policy.applicationProtocols = applicationProtocols?.map(\.rawValue) ?? policy.applicationProtocols
        return policy
    }
}

extension TLSPolicy.Version {
    fileprivate init(_ version: TLSSettings.Version) {
        switch version {
        case .tls12: self = .tls12
        case .tls13: self = .tls13
        }
    }
}

extension SiteConfiguration {
    /// What is shown for the names of certificates that are ordered while there is none.
    var placeholders: [CertificateFiles] {
        certificates.compactMap(\.acme).prefix(1).map { use in
            AcmeMaterial.placeholder(for: use.names, waits: use.waits)
        }
    }
}
