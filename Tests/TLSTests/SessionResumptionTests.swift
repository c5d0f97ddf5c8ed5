import Testing

@testable import TLS

@Suite("Resumption and client certificates") struct SessionResumptionTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    init() {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["b.test"], serial: 11))
        files["ca.pem"] = authority.pem
    }

    private func twoSites(
        clients: ClientCertificatePolicy.Mode? = nil, revocations: String? = nil, ticketKeys: String? = nil
    ) -> TLSListenerDescription {
        var description = listener([(["a.test"], ["a"]), (["b.test"], ["b"])], ticketKeys: ticketKeys)
        description.sites[1].clientCertificates = clients.map {
            ClientCertificatePolicy(mode: $0, authorities: "ca.pem", revocations: revocations)
        }
        return description
    }

    private func load(
        _ description: TLSListenerDescription, replacing previous: CertificateSet? = nil
    ) throws -> CertificateStore {
        try #require(try files.loader().load([description], replacing: previous).stores["secure"])
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13]) func `A session is resumed`(
        _ version: TLSPolicy.Version
    ) throws {
        let store = try load(twoSites())
        let client = TestClient(version: version)
        #expect(!client.connect(to: store, "a.test").isResumed)
        #expect(client.connect(to: store, "a.test").isResumed)
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13]) func `A session is not resumed by another site`(
        _ version: TLSPolicy.Version
    ) throws {
        let store = try load(twoSites())
        let client = TestClient(version: version)
        _ = client.connect(to: store, "a.test")
        let second = client.connect(to: store, "b.test")
        #expect(second.serial == "0B")
        #expect(!second.isResumed)
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13])
    func `A session of an open site does not open a site that requires a certificate`(
        _ version: TLSPolicy.Version
    ) throws {
        let store = try load(twoSites(clients: .require))
        let client = TestClient(version: version)
        #expect(client.connect(to: store, "a.test").failure == nil)
        #expect(client.connect(to: store, "b.test").failure == "peer did not return a certificate")
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13]) func `A session of a certified client is resumed`(
        _ version: TLSPolicy.Version
    ) throws {
        let store = try load(twoSites(clients: .require))
        let client = TestClient(version: version, certificate: authority.issue(["client"]))
        #expect(client.connect(to: store, "b.test").failure == nil)
        #expect(client.connect(to: store, "b.test").isResumed)
    }

    @Test func `A revocation list makes clients prove themselves again`() throws {
        let client = TestClient(certificate: authority.issue(["client"], serial: 99))
        files["keys"] = [UInt8](repeating: 7, count: 80)
        #expect(client.connect(to: try load(twoSites(clients: .require, ticketKeys: "keys")), "b.test").failure == nil)
        files["crl.pem"] = authority.revoke([99])
        let store = try load(twoSites(clients: .require, revocations: "crl.pem", ticketKeys: "keys"))
        #expect(client.connect(to: store, "b.test").failure == "certificate verify failed")
    }

    @Test(arguments: [ClientCertificatePolicy.Mode.request, .require])
    func `A client certificate of another authority is refused`(_ mode: ClientCertificatePolicy.Mode) throws {
        let store = try load(twoSites(clients: mode))
        let client = TestClient(certificate: TestAuthority("Other").issue(["client"]))
        #expect(client.connect(to: store, "b.test").failure == "certificate verify failed")
    }

    @Test func `A requested client certificate may be left out`() throws {
        #expect(TestClient().connect(to: try load(twoSites(clients: .request)), "b.test").failure == nil)
    }

    @Test func `A client that is not on the revocation list is let in`() throws {
        files["crl.pem"] = authority.revoke([99])
        let store = try load(twoSites(clients: .require, revocations: "crl.pem"))
        #expect(TestClient(certificate: authority.issue(["client"])).connect(to: store, "b.test").failure == nil)
    }

    @Test func `An authority file without certificates is refused`() {
        files["ca.pem"] = []
        #expect(
            files.loader().problems(twoSites(clients: .require)).first
                == "ca.pem: is no list of authorities for client certificates: expected a PEM block that begins with "
                + "-----BEGIN CERTIFICATE-----")
    }

    @Test func `A session outlives the exchange of its certificate`() throws {
        let old = try files.loader().load([twoSites()])
        let client = TestClient()
        _ = client.connect(to: try #require(old.stores["secure"]), "a.test")
        files.add("a", authority.issue(["a.test"], serial: 12))
        #expect(client.connect(to: try load(twoSites(), replacing: old), "a.test").isResumed)
    }

    @Test func `Gateways with a common key file resume each other's sessions`() throws {
        files["keys"] = (0..<240).map { UInt8($0) }
        let client = TestClient()
        _ = client.connect(to: try load(twoSites(ticketKeys: "keys")), "a.test")
        #expect(client.connect(to: try load(twoSites(ticketKeys: "keys")), "a.test").isResumed)
    }

    @Test func `Gateways with keys of their own do not`() throws {
        let client = TestClient()
        _ = client.connect(to: try load(twoSites()), "a.test")
        #expect(!client.connect(to: try load(twoSites()), "a.test").isResumed)
    }

    @Test(arguments: [0, 79, 81, 320]) func `A ticket key file has one to three keys`(_ size: Int) {
        files["keys"] = [UInt8](repeating: 0, count: size)
        #expect(
            files.loader().problems(twoSites(ticketKeys: "keys")) == [
                "keys: has \(size) bytes; expected one to three ticket keys of 80 bytes"
            ])
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13]) func `Without tickets nothing is resumed`(
        _ version: TLSPolicy.Version
    ) throws {
        var policy = TLSPolicy()
        policy.issuesTickets = false
        let store = try load(listener([(["a.test"], ["a"])], policy: policy))
        let client = TestClient(version: version)
        _ = client.connect(to: store, "a.test")
        #expect(!client.connect(to: store, "a.test").isResumed)
    }
}

@Suite("Ticket keys") struct TicketKeysTests {
    private func hours(_ count: Int64) -> Timestamp { Timestamp(seconds: count * 3600) }

    @Test func `A key is current for twelve hours and opens tickets for two more periods`() {
        var keys = TicketKeys(at: hours(0))
        let first = keys.keys[0]
        keys.rotate(at: hours(11))
        #expect(keys.find(first.name)?.isCurrent == true)
        keys.rotate(at: hours(12))
        #expect(keys.find(first.name)?.isCurrent == false)
        keys.rotate(at: hours(24))
        #expect(keys.find(first.name)?.isCurrent == false)
        keys.rotate(at: hours(36))
        #expect(keys.find(first.name)?.isCurrent == nil)
    }

    @Test func `After a long pause no old key is left`() {
        var keys = TicketKeys(at: hours(0))
        keys.rotate(at: hours(36))
        #expect(keys.keys.count == 1)
    }

    @Test func `A file's first key is for new tickets`() throws {
        let keys = try #require(TicketKeys(file: (0..<160).map { UInt8($0) }))
        #expect(keys.keys.map(\.name.first) == [0, 80])
    }
}
