import Testing

@testable import TLS

@Suite("Certificates by server name") struct CertificateStoreTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    private func store(_ listener: TLSListenerDescription) throws -> CertificateStore {
        let set = try files.loader().load([listener])
        return try #require(set.stores["secure"])
    }

    @Test(arguments: [
        ("a.test", "0A"), ("A.TEST", "0A"), ("a.test.", "0A"), ("b.test", "0B"), ("x.b.test", "0B"),
        ("x.y.b.test", "0A"), ("unknown.test", "0A"), (nil, "0A"),
    ]) func `Exact names come before wildcards of one label, and the first site answers for the rest`(
        _ name: String?, _ serial: String
    ) throws {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["b.test", "*.b.test"], serial: 11))
        let store = try store(listener([(["a.test"], ["a"]), (["b.test", "*.b.test"], ["b"])]))
        #expect(TestClient().connect(to: store, name).serial == serial)
    }

    @Test func `The site for any host answers for unknown names`() throws {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["b.test"], serial: 11))
        let store = try store(listener([(["a.test"], ["a"]), (["*"], ["b"])]))
        #expect(TestClient().connect(to: store, "unknown.test").serial == "0B")
    }

    @Test func `The site for any host answers by the names of its certificates`() throws {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["b.test"], serial: 11))
        let store = try store(listener([(["*"], ["a", "b"])]))
        #expect(TestClient().connect(to: store, "b.test").serial == "0B")
        #expect(TestClient().connect(to: store, "unknown.test").serial == "0A")
    }

    @Test(arguments: ["unknown.test", nil]) func `Unknown names are rejected on demand`(_ name: String?) throws {
        files.add("a", authority.issue(["a.test"]))
        let store = try store(listener([(["a.test"], ["a"])], unknownNames: .rejected))
        #expect(
            TestClient().connect(to: store, name).failure == (name == nil ? "no server name" : "unknown server name"))
        #expect(TestClient().connect(to: store, "a.test").failure == nil)
    }

    @Test(arguments: [TLSPolicy.Version.tls12, .tls13], [("ECDSA+SHA256", "0A"), ("RSA-PSS+SHA256", "0B")])
    func `A client gets the certificate it has algorithms for`(
        _ version: TLSPolicy.Version, _ choice: (algorithms: String, serial: String)
    ) throws {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["a.test"], .rsa, serial: 11))
        let store = try store(listener([(["a.test"], ["a", "b"])]))
        let client = TestClient(version: version, signatureAlgorithms: choice.algorithms)
        #expect(client.connect(to: store, "a.test").serial == choice.serial)
    }

    @Test(arguments: TestAuthority.KeyKind.allCases) func `Keys of every kind are served`(
        _ kind: TestAuthority.KeyKind
    ) throws {
        files.add("a", authority.issue(["a.test"], kind, serial: 10))
        #expect(TestClient().connect(to: try store(listener([(["a.test"], ["a"])])), "a.test").serial == "0A")
    }

    @Test func `Certificates of one site may be for different hosts`() throws {
        files.add("a", authority.issue(["a.test"], serial: 10))
        files.add("b", authority.issue(["b.test"], serial: 11))
        let store = try store(listener([(["a.test", "b.test"], ["a", "b"])]))
        #expect(TestClient().connect(to: store, "b.test").serial == "0B")
    }

    @Test func `A site's own policy holds for its names only`() throws {
        files.add("a", authority.issue(["a.test"]))
        files.add("b", authority.issue(["b.test"]))
        var listener = listener([(["a.test"], ["a"]), (["b.test"], ["b"])])
        listener.sites[1].policy = TLSPolicy(.modern)
        let store = try store(listener)
        #expect(TestClient(version: .tls12).connect(to: store, "a.test").version == "TLSv1.2")
        #expect(TestClient(version: .tls12).connect(to: store, "b.test").failure == "unsupported protocol")
        #expect(TestClient().connect(to: store, "b.test").version == "TLSv1.3")
    }

    @Test func `A site's policy may be wider than its listener's`() throws {
        files.add("a", authority.issue(["a.test"]))
        files.add("b", authority.issue(["b.test"]))
        var listener = listener([(["a.test"], ["a"]), (["b.test"], ["b"])], policy: TLSPolicy(.modern))
        listener.sites[1].policy = TLSPolicy(.intermediate)
        let store = try store(listener)
        #expect(TestClient(version: .tls12).connect(to: store, "a.test").failure == "unsupported protocol")
        #expect(TestClient(version: .tls12).connect(to: store, "b.test").version == "TLSv1.2")
    }
}

@Suite("Server names in a client's hello") struct RequestedServerNameTests {
    private func parse(_ bytes: [UInt8]) -> RequestedServerName { RequestedServerName(bytes.span) }

    @Test func `A name is put in lower case and loses its last dot`() {
        #expect(parse([0, 7, 0, 0, 4] + Array("A.b.".utf8)) == .name("a.b"))
    }

    @Test(
        arguments: [
            [], [0, 0], [0, 3, 0, 0, 0], [0, 4, 1, 0, 1, 97], [0, 5, 0, 0, 1, 97], [0, 4, 0, 0, 2, 97],
            [0, 5, 0, 0, 1, 97, 97],
        ] as [[UInt8]]) func `What is not one name is malformed`(_ bytes: [UInt8])
    {
        #expect(parse(bytes) == .malformed)
    }

    @Test(arguments: [[0], [0x1F], [0x20], [0x7F], [0xC3], [97, 0], [0, 97], [97, 0, 98], [0x2E]] as [[UInt8]])
    func `A name with bytes that no host name has is invalid, wherever they stand`(_ name: [UInt8]) {
        let count = UInt8(name.count)
        #expect(parse([0, count + 3, 0, 0, count] + name) == .invalid)
    }
}
