import Testing

@testable import TLS

@Suite("Complete chains") struct ChainCompletenessTests {
    private let root = TestAuthority("Root")
    private let intermediate: TestAuthority
    private let files = TestFiles()

    init() {
        intermediate = TestAuthority("Intermediate", issuer: root)
        files["root.pem"] = root.pem
    }

    /// A site for `a.test` whose clients trust certain authorities.
    private func site(_ authorities: CertificateFiles.Authorities?) -> TLSListenerDescription {
        var description = listener([(["a.test"], ["a"])])
        description.sites[0].certificates[0].authorities = authorities
        return description
    }

    private func problems(_ authorities: CertificateFiles.Authorities?) -> [String] {
        files.loader().problems(site(authorities))
    }

    @Test func `A chain that leads to an authority of the clients is complete`() {
        files.add("a", intermediate.issue(["a.test"]), issuers: [intermediate])
        #expect(problems(.file("root.pem")) == [])
        files.add("a", intermediate.issue(["a.test"]), issuers: [intermediate, root])
        #expect(problems(.file("root.pem")) == [])
    }

    @Test func `A missing intermediate certificate is named`() {
        files.add("a", intermediate.issue(["a.test"]))
        #expect(
            problems(.file("root.pem")) == [
                "a.pem: leads to none of the authorities in root.pem: that of CN=Intermediate, which signed "
                    + "certificate 1, is missing; expected it behind certificate 1 or among them"
            ])
    }

    @Test func `A gap behind an intermediate certificate is found`() {
        let lower = TestAuthority("Lower", issuer: intermediate)
        files.add("a", lower.issue(["a.test"]), issuers: [lower])
        let problem = problems(.file("root.pem")).first
        #expect(problem?.contains("that of CN=Intermediate, which signed certificate 2, is missing") == true)
    }

    @Test func `An intermediate certificate may be what clients know`() {
        files["intermediate.pem"] = intermediate.pem
        files.add("a", intermediate.issue(["a.test"]))
        #expect(problems(.file("intermediate.pem")) == [])
    }

    @Test func `A root that clients do not know is refused`() {
        files["other.pem"] = TestAuthority("Other").pem
        files.add("a", root.issue(["a.test"]), issuers: [root])
        #expect(
            problems(.file("other.pem")) == [
                "a.pem: is not believed by clients that know the authorities in other.pem: certificate 2: self-signed "
                    + "certificate in certificate chain"
            ])
    }

    @Test func `A private authority is none of the system's`() {
        files.add("a", root.issue(["a.test"]))
        #expect(
            problems(.system) == [
                "a.pem: leads to none of the system's authorities: that of CN=Root, which signed certificate 1, is "
                    + "missing; expected it behind certificate 1 or among them"
            ])
    }

    @Test func `A file of authorities that cannot be read is named`() {
        files.add("a", root.issue(["a.test"]))
        #expect(problems(.file("none.pem")) == ["none.pem: cannot be read: No such file or directory"])
        files["root.pem"] = []
        #expect(problems(.file("root.pem")).first?.hasPrefix("root.pem: is no list of authorities") == true)
    }

    @Test func `What a chain leads to is judged again when nothing else has changed`() throws {
        files.add("a", root.issue(["a.test"]))
        let before = try files.loader().load([site(.file("root.pem"))])
        files["root.pem"] = TestAuthority("Other").pem
        #expect(throws: CertificateProblems.self) {
            try files.loader().load([site(.file("root.pem"))], replacing: before)
        }
    }

    @Test func `A public authority's certificate without the intermediate one is refused`() {
        files.add("a", intermediate.issue(["a.test"], isPublic: true))
        #expect(
            problems(nil) == [
                "a.pem: holds one certificate only, and clients lack that of its issuer, CN=Intermediate, an "
                    + "intermediate one of a public authority; expected it behind the first (certbot's file with both "
                    + "is fullchain.pem)"
            ])
    }

    @Test func `A public authority's certificate with the intermediate one is complete as far as can be told`() {
        files.add("a", intermediate.issue(["a.test"], isPublic: true), issuers: [intermediate])
        #expect(problems(nil) == [])
    }

    @Test func `A chain with its root gives no reason to warn`() throws {
        files.add("a", intermediate.issue(["a.test"]), issuers: [intermediate, root])
        #expect(try files.loader().load([site(nil)]).warnings == [])
    }

    @Test func `An issuer that nobody knows is told once for all its certificates`() throws {
        for name in ["a", "b", "c"] { files.add(name, root.issue(["\(name).test"])) }
        let sites = listener([(["a.test"], ["a"]), (["b.test"], ["b"]), (["c.test"], ["c"])])
        #expect(
            try files.loader().load([sites]).warnings.map(\.description) == [
                "a.pem: leads to CN=Root, none of the system's authorities; clients need to know it, or its certificate is "
                    + "missing (ca says whom clients know); so it is with 2 more files"
            ])
    }
}
