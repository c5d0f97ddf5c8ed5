import Testing

@testable import Gateway

@Suite("Certificates by ACME in the file") struct ConfigurationAcmeTests {
    private func text(issuers: String, site: String, listeners: String? = nil) -> String {
        var text = ConfigurationText()
        text.listeners =
            listeners ?? "listeners: { plain: { bind: ['[::]:80'] }, tls: { bind: ['[::]:443'], tls: {} } }"
        text.more = "acme: \(issuers)"
        text.sites = "sites: [\(site.replacing("*r", with: "[{ path: /, respond: {} }]"))]"
        return text.text
    }

    private let le = "{ le: { directory: letsencrypt, terms_agreed: true } }"

    @Test func theOnlyIssuerIsMeantByItsSection() throws {
        let configuration = try decode(
            text(issuers: le, site: "{ hosts: [Example.org, '*'], certificates: acme, routes: *r }"))
        let certificate = try #require(configuration.sites[0].certificates.first)
        #expect(certificate.chain == "/var/lib/isagate/acme/certificates/example.org.ecdsa-p256.pem")
        #expect(certificate.acme?.names == ["example.org"])
        #expect(certificate.acme?.issuers == ["le"])
        #expect(configuration.acme[0].directory == "https://acme-v02.api.letsencrypt.org/directory")
        #expect(configuration.sites[0].listen == ["plain", "tls"])
    }

    @Test(arguments: [
        "[www.example.org, example.org, '*.example.org']", "['*.example.org', example.org, www.example.org]",
    ])
    func theOrderOfHostsDoesNotMatterForWhatIsStored(_ hosts: String) throws {
        let issuers = "{ le: { directory: letsencrypt, terms_agreed: true, challenge: dns-persist-01 } }"
        let configuration = try decode(
            text(issuers: issuers, site: "{ hosts: \(hosts), certificates: acme, routes: *r }"))
        #expect(
            configuration.sites[0].certificates.map(\.chain) == [
                "/var/lib/isagate/acme/certificates/example.org.ecdsa-p256.pem"
            ])
    }

    @Test func severalIssuersAreTriedInOrderAndTheFirstDeterminesKeysAndStorage() throws {
        let issuers = """
            { one: { directory: 'https://a.test/dir', terms_agreed: true, key: both, storage: /srv/state, contact: a@b.org },
              two: { directory: 'https://b.test/dir', terms_agreed: true, challenge: [tls-alpn-01, http-01] } }
            """
        let configuration = try decode(
            text(issuers: issuers, site: "{ hosts: [a.org], certificates: [{ acme: one }, { acme: two }], routes: *r }")
        )
        let uses = configuration.sites[0].certificates
        #expect(
            uses.map(\.chain) == [
                "/srv/state/certificates/a.org.ecdsa-p256.pem", "/srv/state/certificates/a.org.rsa-2048.pem",
            ])
        #expect(uses[0].acme?.issuers == ["one", "two"])
        #expect(configuration.acme[0].contact == ["mailto:a@b.org"])
        #expect(configuration.acme[1].challenges == [.tlsALPN, .http])
    }

    @Test(arguments: [
        (
            "{ hosts: ['*'], certificates: acme, routes: *r }",
            "acme orders certificates for names, and this site has none"
        ),
        (
            "{ hosts: ['*.a.org'], certificates: acme, routes: *r }",
            "'*.a.org': a wildcard is not proved by http-01 and tls-alpn-01; 'le' needs dns-01 or dns-persist-01"
        ),
        (
            "{ hosts: [localhost], certificates: acme, routes: *r }",
            "'localhost': no public authority issues for it: it is no name of a domain"
        ),
        (
            "{ hosts: [nas.local], certificates: acme, routes: *r }",
            "'nas.local': no public authority issues for it: names below .local are not public"
        ),
        (
            "{ hosts: [10.1.2.3], certificates: acme, routes: *r }",
            "'10.1.2.3': no public authority issues for it: the address is not a public one"
        ),
        ("{ hosts: [a.org], certificates: [{ acme: el }], routes: *r }", "unknown issuer 'el' [le]"),
    ]) func whatCannotSucceedIsKnownWithoutTheNetwork(_ site: String, _ mistake: String) {
        let found = mistakes(text(issuers: le, site: site))
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(mistake) == true, "\(found)")
    }

    @Test(arguments: [
        ("{ le: { directory: letsencrypt } }", "missing key 'terms_agreed'"),
        (
            "{ le: { directory: letsencrypt, terms_agreed: false } }",
            "the terms of the authority have to be agreed to: terms_agreed: true"
        ),
        (
            "{ le: { directory: 'http://a.org/dir', terms_agreed: true } }",
            "expected letsencrypt, letsencrypt-staging, or the https URL of a directory, found 'http://a.org/dir'"
        ),
        (
            "{ le: { directory: letsencrypt, terms_agreed: true, challenge: dns-01 } }",
            "dns-01 needs a program that publishes records: dns: { command: [FILE] }"
        ),
        (
            "{ le: { directory: letsencrypt, terms_agreed: true, dns: { command: [/bin/dns] } } }",
            "dns is for the challenge dns-01, which is not used"
        ),
        (
            "{ le: { directory: letsencrypt, terms_agreed: true, challenge: dns-01, dns: { command: [dns, x] } } }",
            "command begins with the absolute path of a program, found 'dns'"
        ),
        ("{ le: { directory: letsencrypt, terms_agreed: true, challenge: dns-01, dns: {} } }", "missing key 'command'"),
        (
            "{ le: { directory: letsencrypt, terms_agreed: true, contact: x } }",
            "expected an address of mail, found 'x'"
        ),
    ]) func aMistakenIssuerIsReported(_ issuer: String, _ mistake: String) {
        let found = mistakes(text(issuers: issuer, site: "{ hosts: [a.org], certificates: acme, routes: *r }"))
        #expect(found.contains { $0.hasSuffix(mistake) }, "\(found)")
    }

    @Test func wildcardsAreProvedByRecordsOfTheDomainWithoutAListener() throws {
        let issuers = """
            { le: { directory: letsencrypt, terms_agreed: true, challenge: dns-01,
                    dns: { command: [/usr/local/bin/dns, -z], timeout: 2m, propagation: 5s } } }
            """
        let configuration = try decode(
            text(
                issuers: issuers, site: "{ hosts: [a.org, '*.a.org'], certificates: acme, routes: *r }",
                listeners: "listeners: { tls: { bind: ['[::]:8443'], tls: {} } }"))
        #expect(configuration.sites[0].certificates.first?.acme?.names == ["a.org", "*.a.org"])
        #expect(
            configuration.acme[0].dns
                == AcmeConfiguration.DNS(
                    command: ["/usr/local/bin/dns", "-z"], timeout: .seconds(120), propagation: .seconds(5)))
        let found = mistakes(
            text(issuers: issuers, site: "{ hosts: [192.0.2.1], certificates: acme, routes: *r }"))
        #expect(
            found.first?.hasSuffix("'192.0.2.1': an address is not proved by dns-01, the challenge of 'le'") == true,
            "\(found)")
    }

    @Test func aChallengeNeedsAListener() {
        let found = mistakes(
            text(
                issuers: le, site: "{ hosts: [a.org], certificates: acme, routes: *r }",
                listeners: "listeners: { tls: { bind: ['[::]:443'], tls: {} } }"))
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("issuer 'le' needs a listener without TLS for http-01") == true, "\(found)")
    }
}
