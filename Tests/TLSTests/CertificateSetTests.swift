import Testing

@testable import TLS

@Suite("Exchanging certificates") struct CertificateSetTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    init() {
        files.add("a", authority.issue(["a.test"], serial: 10), issuers: [authority])
        files.add("b", authority.issue(["b.test"], serial: 11), issuers: [authority])
    }

    private let sites = listener([(["a.test"], ["a"]), (["b.test"], ["b"])])

    @Test func `Unchanged files are taken over without being parsed`() throws {
        let old = try files.loader().load([sites])
        let new = try files.loader().load([sites], replacing: old)
        #expect(zip(old.uses, new.uses).allSatisfy { $0.identity === $1.identity })
        #expect(old.contexts.values.first === new.contexts.values.first)
        #expect(new.generation == 2)
    }

    @Test func `Issuers are kept once`() throws {
        let set = try files.loader().load([sites])
        #expect(set.uses[0].identity.issuers[0] === set.uses[1].identity.issuers[0])
    }

    @Test func `Files with the same content are one certificate, before and after an exchange`() throws {
        files["c.pem"] = files["a.pem"]
        files["c.key"] = files["a.key"]
        let twice = listener([(["a.test"], ["a"]), (["*"], ["c"])])
        let old = try files.loader().load([twice])
        #expect(old.uses[0].identity === old.uses[1].identity)
        let changes = try files.loader().load([twice], replacing: old).changes(from: old)
        #expect(changes.map(\.isChanged) == [false, false])
    }

    @Test func `An exchange reports the old and the new serial`() throws {
        let old = try files.loader().load([sites])
        files.add("a", authority.issue(["a.test"], serial: 12))
        let changes = try files.loader().load([sites], replacing: old).changes(from: old)
        #expect(changes.map(\.old?.serial) == ["0A", "0B"])
        #expect(changes.map(\.new?.serial) == ["0C", "0B"])
        #expect(changes.map(\.isChanged) == [true, false])
        #expect(changes.map(\.new?.generation) == [2, 1])
    }

    @Test func `Certificates that came or went have one side only`() throws {
        let old = try files.loader().load([listener([(["a.test"], ["a"])])])
        let changes = try files.loader().load([listener([(["b.test"], ["b"])])], replacing: old).changes(from: old)
        #expect(changes.map(\.old?.serial) == [nil, "0A"])
        #expect(changes.map(\.new?.serial) == ["0B", nil])
    }

    @Test func `A report tells what an operator asks for`() throws {
        let report = try #require(try files.loader().load([sites]).reports.first)
        #expect(report.hosts == ["a.test"])
        #expect(report.file == "a.pem")
        #expect(report.issuer == "CN=Test authority")
        #expect(report.names == ["a.test"])
        #expect(report.keyType.description == "ECDSA prime256v1")
    }

    @Test func `An unchanged certificate that has expired since is refused`() throws {
        let old = try files.loader().load([sites])
        let later = Timestamp(seconds: Timestamp.now.seconds + 31 * 86_400)
        #expect(throws: CertificateProblems.self) { try files.loader(at: later).load([sites], replacing: old) }
    }

    @Test func `One that has expired since need not keep others from being renewed`() throws {
        files.add("b", authority.issue(["b.test"], days: (-1, 60)), issuers: [authority])
        let lasting = TestAuthority("Lasting", days: (-1, 60))
        let old = try files.loader().load([sites])
        files.add("b", lasting.issue(["b.test"], days: (-1, 60), serial: 13), issuers: [lasting])
        let later = Timestamp(seconds: Timestamp.now.seconds + 31 * 86_400)
        let new = try files.loader(at: later).load([sites], replacing: old, isPreviousAccepted: true)
        #expect(new.reports.map(\.serial) == ["0A", "0D"])
        #expect(new.warnings.map(\.file) == ["a.pem", "a.pem"])
        #expect(new.warnings.first?.description.hasPrefix("a.pem: the certificate expired on ") == true)
        files.add("b", lasting.issue(["b.test"], days: (-1, 30)), issuers: [lasting])
        #expect(throws: CertificateProblems.self) {
            try files.loader(at: later).load([sites], replacing: new, isPreviousAccepted: true)
        }
    }

    @Test func `A replaced store is freed when its last handshake is over`() throws {
        weak var store: CertificateStore?
        var negotiation: Negotiation?
        try {
            let set = try files.loader().load([sites])
            store = set.stores["secure"]
            negotiation = Negotiation(try #require(store))
        }()
        #expect(store != nil)
        negotiation = nil
        #expect(store == nil)
        #expect(negotiation == nil)
    }

    @Test func `A staple that is none is left out with a warning`() throws {
        var description = sites
        description.sites[0].certificates[0].ocsp = "a.ocsp"
        files["a.ocsp"] = [1, 2, 3]
        let set = try files.loader().load([description])
        #expect(set.warnings.count == 1)
        #expect(set.warnings.first?.file == "a.ocsp")
        #expect(TestClient().connect(to: try #require(set.stores["secure"]), "a.test").stapled == [])
    }

    @Test(
        arguments: [
            (-301, OCSPStaple.Fault.early(Timestamp(seconds: 1000))), (-300, nil), (0, nil), (99, nil),
            (100, .expired(Timestamp(seconds: 1100))),
        ] as [(Int64, OCSPStaple.Fault?)])
    func `A staple is valid from its time on, but for clocks that are off, until the next is due`(
        _ second: Int64, _ fault: OCSPStaple.Fault?
    ) {
        let validity = OCSPStaple.Validity(
            thisUpdate: Timestamp(seconds: 1000), nextUpdate: Timestamp(seconds: 1100))
        #expect(validity.fault(at: Timestamp(seconds: 1000 + second)) == fault)
    }

    @Test func `Loading again costs a fraction of loading`() throws {
        let count = 200
        for index in 0..<count { files.add("n\(index)", authority.issue(["n\(index).test"])) }
        let description = listener((0..<count).map { (["n\($0).test"], ["n\($0)"]) })
        let clock = ContinuousClock()
        var set: CertificateSet?
        let first = try clock.measure { set = try files.loader().load([description]) }
        let again = try clock.measure { set = try files.loader().load([description], replacing: set) }
        #expect(set?.uses.count == count)
        #expect(again < first / 2, "\(first) at first, \(again) again")
    }
}
