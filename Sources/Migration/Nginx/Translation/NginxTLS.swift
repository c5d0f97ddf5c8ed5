extension NginxTranslation {
    /// Settings of TLS that belong to the listener.
    func listenerTLS(_ scope: NginxScope) -> ConfigurationSection {
        var tls = tlsSettings(scope)
        let keys = scope.all("ssl_session_ticket_key")
        if let key = keys.first {
            carry(key)
            tls.set("ticket_keys", file(key.first), key.origin)
            for other in keys.dropFirst() {
                omit(other, "put the keys of several files into one: the first for new tickets, see 'ticket_keys'")
            }
        }
        return tls
    }

    /// Versions, ciphers, groups and tickets.
    func tlsSettings(_ scope: NginxScope) -> ConfigurationSection {
        var tls = ConfigurationSection()
        if let protocols = scope.nearest("ssl_protocols") { addVersions(protocols, to: &tls) }
        if let ciphers = scope.nearest("ssl_ciphers") { addCiphers(ciphers, to: &tls) }
        if let curve = scope.nearest("ssl_ecdh_curve") { addGroups(curve, to: &tls) }
        if let tickets = scope.nearest("ssl_session_tickets") {
            carry(tickets)
            if tickets.first == "off" { tls.set("tickets", "off", tickets.origin) }
        }
        return tls
    }

    private func addVersions(_ directive: NginxDirective, to tls: inout ConfigurationSection) {
        carry(directive)
        let versions = Set(directive.arguments)
        let old = versions.subtracting(["TLSv1.2", "TLSv1.3"]).sorted()
        if !old.isEmpty {
            ledger.remark(
                directive.place, "\(old.joined(separator: ", ")) is not offered: it is broken (RFC 8996)")
        }
        if versions.contains("TLSv1.3"), !versions.contains("TLSv1.2") {
            tls.set("min", "1.3", directive.origin)
        } else {
            tls.set("min", "1.2", directive.origin)
            if !versions.contains("TLSv1.3") {
                ledger.remark(directive.place, "TLS 1.3 is offered as well; 'max: \"1.2\"' would refuse it")
            }
        }
    }

    private func addCiphers(_ directive: NginxDirective, to tls: inout ConfigurationSection) {
        let names = directive.arguments.flatMap { $0.split { ":, ".contains($0) }.map(String.init) }
        let chosen = names.filter(NginxKnowledge.ciphers.contains)
        guard !chosen.isEmpty, names.allSatisfy({ $0.contains("-") && !$0.hasPrefix("!") || chosen.contains($0) })
        else {
            ledger.markUnneeded(
                directive.item, "the profile 'intermediate' has Mozilla's list; tls.ciphers takes names, no keywords")
            return
        }
        carry(directive)
        let left = names.filter { !chosen.contains($0) && !$0.hasPrefix("TLS_") }
        if !left.isEmpty {
            ledger.remark(
                directive.place,
                "ciphers without forward secrecy or authenticated encryption are left out: "
                    + left.prefix(4).joined(separator: ", ") + (left.count > 4 ? ", …" : ""))
        }
        tls.set("ciphers", .texts(chosen), directive.origin)
    }

    private func addGroups(_ directive: NginxDirective, to tls: inout ConfigurationSection) {
        let names = [
            "x25519": "X25519", "prime256v1": "P-256", "secp256r1": "P-256", "p-256": "P-256", "secp384r1": "P-384",
            "p-384": "P-384", "secp521r1": "P-521", "p-521": "P-521", "x25519mlkem768": "?X25519MLKEM768",
        ]
        let groups = directive.first.split(separator: ":").map { names[$0.lowercased()] }
        guard directive.first != "auto", groups.allSatisfy({ $0 != nil }), !groups.isEmpty else {
            ledger.markUnneeded(directive.item, "the default groups are X25519MLKEM768, X25519, P-256 and P-384")
            return
        }
        carry(directive)
        tls.set("groups", .texts(groups.compactMap { $0 }), directive.origin)
    }

    /// Certificates of a server; empty when it has none.
    func certificates(_ scope: NginxScope) -> [ConfigurationSection] {
        let chains = scope.all("ssl_certificate")
        let keys = scope.all("ssl_certificate_key")
        var certificates: [ConfigurationSection] = []
        for (index, chain) in chains.enumerated() {
            guard index < keys.count else {
                omit(chain, "it has no ssl_certificate_key")
                continue
            }
            guard !chain.first.contains("$"), !chain.first.hasPrefix("data:"), !chain.first.hasPrefix("engine:") else {
                omit(chain, "name a file in 'certificates' for each host; files cannot be chosen by variables")
                omit(keys[index], "belongs to \(chain.place)")
                continue
            }
            carry(chain)
            carry(keys[index])
            var certificate = ConfigurationSection()
            certificate.set("chain", file(chain.first), chain.origin)
            certificate.set("key", file(keys[index].first), keys[index].origin)
            if let passwords = scope.nearest("ssl_password_file") {
                carry(passwords)
                certificate.set("passphrase_file", file(passwords.first), passwords.origin)
            }
            if let staple = scope.nearest("ssl_stapling_file") {
                carry(staple)
                certificate.set("ocsp", file(staple.first), staple.origin)
            }
            certificates.append(certificate)
        }
        return certificates
    }

    func addClientCertificates(_ scope: NginxScope, to site: inout ConfigurationSection) {
        guard let verify = scope.nearest("ssl_verify_client") else { return }
        guard verify.first != "off" else { return carry(verify) }
        guard verify.first != "optional_no_ca", let authorities = scope.nearest("ssl_client_certificate") else {
            omit(verify, "client_certificates need a file of authorities; nobody is asked for a certificate")
            return
        }
        carry(verify)
        carry(authorities)
        var section = ConfigurationSection()
        section.set("mode", verify.first == "on" ? "require" : "request", verify.origin)
        section.set("ca", file(authorities.first), authorities.origin)
        if let depth = scope.nearest("ssl_verify_depth"), let number = Int(depth.first) {
            carry(depth)
            section.set("depth", .number(min(max(number, 0), 10)), depth.origin)
        }
        if let list = scope.nearest("ssl_crl") {
            carry(list)
            section.set("crl", file(list.first), list.origin)
        }
        if verify.first == "on" {
            ledger.remark(verify.place, "clients without a certificate are refused in the handshake, not by a page")
        }
        site.set("client_certificates", .section(section), verify.origin)
    }
}
