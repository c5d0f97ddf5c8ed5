import Glibc
import Testing

@testable import TLS

@Suite("Problems with certificates") struct CertificateProblemTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    /// The problems of a site for `a.test` whose only certificate is `a`.
    private func problems(_ certificates: [String] = ["a"]) -> [String] {
        files.loader().problems(listener([(["a.test"], certificates)]))
    }

    @Test func `A missing file is named`() {
        #expect(problems() == ["a.pem: cannot be read: No such file or directory"])
    }

    @Test func `A chain without a certificate is refused`() {
        files.add("a", authority.issue(["a.test"]))
        files["a.pem"] = Array("hello\n".utf8)
        #expect(
            problems() == [
                "a.pem: contains no certificate; expected PEM blocks that begin with -----BEGIN CERTIFICATE-----"
            ])
    }

    @Test func `A chain that was cut short is refused`() {
        let issued = authority.issue(["a.test"])
        files.add("a", issued)
        files["a.pem"] = Array(issued.certificate.dropLast(60))
        #expect(problems() == ["a.pem: line 1: the block CERTIFICATE that begins here has no end"])
    }

    @Test func `A block that holds no certificate is refused by its position`() {
        files.add("a", authority.issue(["a.test"]))
        let line = files["a.pem"]!.count { $0 == UInt8(ascii: "\n") } + 1
        files["a.pem"]! += Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(
            problems().first?.hasPrefix(
                "a.pem: certificate 2 in it, in line \(line), is not a valid X.509 certificate: ") == true)
    }

    @Test func `A key file without a key is refused`() {
        files.add("a", authority.issue(["a.test"]))
        files["a.key"] = files["a.pem"]
        #expect(
            problems() == [
                "a.key: contains no private key; expected a PEM block that begins with -----BEGIN PRIVATE KEY-----"
            ])
    }

    @Test func `A damaged key is refused`() {
        files.add("a", authority.issue(["a.test"]))
        files["a.key"] = Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8)
        #expect(problems().first?.hasPrefix("a.key: is not a valid private key: ") == true)
    }

    @Test(arguments: TestAuthority.KeyKind.allCases) func `Another certificate's key is refused`(
        _ kind: TestAuthority.KeyKind
    ) {
        files.add("a", authority.issue(["a.test"]))
        files["a.key"] = authority.issue(["a.test"], kind).key
        #expect(
            problems() == ["a.key: is not the key of the first certificate in a.pem; expected its private key"])
    }

    @Test func `An encrypted key needs a passphrase`() {
        files.add("a", authority.issue(["a.test"], passphrase: "open"))
        #expect(problems() == ["a.key: is encrypted; expected a passphrase_file beside it"])
    }

    @Test func `A wrong passphrase is told from a damaged key`() {
        files.add("a", authority.issue(["a.test"], passphrase: "open"))
        files["word"] = Array("shut\n".utf8)
        var listener = listener([(["a.test"], ["a"])])
        listener.sites[0].certificates[0].passphrase = "word"
        let expected = "a.key: cannot be decrypted; expected its passphrase in the first line of word"
        #expect(files.loader().problems(listener) == [expected])
    }

    @Test func `The passphrase is the first line of its file`() {
        files.add("a", authority.issue(["a.test"], passphrase: "open"))
        files["word"] = Array("open\r\nsecond line\n".utf8)
        var listener = listener([(["a.test"], ["a"])])
        listener.sites[0].certificates[0].passphrase = "word"
        #expect(files.loader().problems(listener) == [])
    }

    @Test func `Chain and key may be one file`() {
        let issued = authority.issue(["a.test"])
        files["a.pem"] = issued.key + issued.certificate
        var listener = listener([(["a.test"], ["a"])])
        listener.sites[0].certificates[0].key = "a.pem"
        #expect(files.loader().problems(listener) == [])
        #expect(files.reads(of: "a.pem") == 1)
    }

    @Test func `An intermediate certificate follows the one it signed`() {
        let intermediate = TestAuthority("Intermediate", issuer: authority)
        files.add("a", intermediate.issue(["a.test"]), issuers: [intermediate, authority])
        #expect(problems() == [])
    }

    @Test func `A chain out of order is refused`() {
        let intermediate = TestAuthority("Intermediate", issuer: authority)
        files.add("a", intermediate.issue(["a.test"]), issuers: [authority, intermediate])
        #expect(
            problems() == [
                "a.pem: certificate 2 is CN=Test authority, which did not sign certificate 1; expected the certificate "
                    + "of CN=Intermediate there"
            ])
    }

    @Test(arguments: [
        (31, "a.pem: the certificate expired on "), (-2, "a.pem: the certificate is not valid before "),
    ]) func `A certificate must be valid now`(_ day: Int64, _ problem: String) {
        files.add("a", authority.issue(["a.test"]))
        let moment = Timestamp(seconds: Timestamp.now.seconds + day * 86_400)
        let found = files.loader(at: moment).problems(listener([(["a.test"], ["a"])]))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(problem) == true)
    }

    @Test func `A certificate for another host is refused`() {
        files.add("a", authority.issue(["b.test", "*.a.test"]))
        #expect(
            problems() == ["a.pem: is for none of the site's hosts: it is for b.test, *.a.test; expected a.test"])
    }

    @Test func `Every host of a site needs a certificate`() {
        files.add("a", authority.issue(["a.test"]))
        #expect(
            files.loader().problems(listener([(["a.test", "*.a.test"], ["a"])])) == [
                "a.pem: is not for *.a.test, nor is another certificate of the site; it is for a.test"
            ])
    }

    @Test func `A wildcard certificate covers one label`() {
        files.add("a", authority.issue(["*.a.test"]))
        #expect(files.loader().problems(listener([(["x.a.test", "*.a.test"], ["a"])])) == [])
        #expect(!files.loader().problems(listener([(["x.y.a.test"], ["a"])])).isEmpty)
    }

    @Test func `An address is covered by a certificate for it`() {
        files.add("a", authority.issue(["127.0.0.1"]))
        #expect(files.loader().problems(listener([(["127.0.0.1"], ["a"])])) == [])
    }

    @Test func `A certificate that another one hides is refused`() {
        files.add("a", authority.issue(["a.test"]))
        files.add("b", authority.issue(["a.test"]))
        #expect(
            problems(["a", "b"]) == ["b.pem: would never be used: a.pem has the same kind of key for the same hosts"])
    }

    @Test func `A short RSA key is refused`() {
        files.add("a", authority.issue(["a.test"], .rsa, bits: 1024))
        #expect(problems().first == "a.pem: has an RSA key of 1024 bits; expected at least 2048")
    }

    @Test func `A curve that browsers do not know is refused`() {
        files.add("a", authority.issue(["a.test"], curve: "secp256k1"))
        #expect(
            problems().first
                == "a.pem: has a key of type ECDSA secp256k1; expected RSA, ECDSA on P-256, P-384 or P-521, or Ed25519")
    }

    @Test func `A policy that leaves a certificate without clients is found by trying`() {
        files.add("a", authority.issue(["a.test"]))
        var policy = TLSPolicy()
        policy.maximum = .tls12
        policy.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
        #expect(
            files.loader().problems(listener([(["a.test"], ["a"])], policy: policy)).first
                == "a.pem: no client could connect to a.test with it: no shared cipher")
    }

    @Test func `A group that OpenSSL does not know is named, once`() {
        files.add("a", authority.issue(["a.test"]))
        var policy = TLSPolicy()
        policy.groups = "X25519:X-NOTHING"
        let found = files.loader().problems(listener([(["a.test"], ["a"]), (["b.test"], ["a"])], policy: policy))
        #expect(found.filter { $0.contains("groups") }.count == 1)
        #expect(
            found.first?.hasPrefix(
                "listener secure: has TLS settings that OpenSSL refuses: groups: X-NOTHING is not among the groups of OpenSSL"
            ) == true)
    }

    @Test func `A group that is used only where it exists hurts nobody`() throws {
        files.add("a", authority.issue(["a.test"]))
        var policy = TLSPolicy()
        policy.groups = "?X-NOTHING:X25519:?P-256"
        let set = try files.loader().load([listener([(["a.test"], ["a"])], policy: policy)])
        #expect(TestClient().connect(to: try #require(set.stores["secure"]), "a.test").failure == nil)
        #expect(throws: TLSError.self) { try KeyExchangeGroups.usable("?X-NOTHING") }
        #expect(try KeyExchangeGroups.usable(policy.groups) == "X25519:P-256")
    }

    @Test func `A cipher that OpenSSL does not know is refused`() {
        files.add("a", authority.issue(["a.test"]))
        var policy = TLSPolicy()
        policy.ciphers = "NONSENSE"
        #expect(
            files.loader().problems(listener([(["a.test"], ["a"])], policy: policy)).first
                == "listener secure: has TLS settings that OpenSSL refuses: ciphers: no cipher match")
    }

    @Test func `All problems are reported together`() {
        files.add("a", authority.issue(["a.test"], days: (-10, -1)))
        files.add("b", authority.issue(["c.test"]))
        let found = files.loader().problems(listener([(["a.test"], ["a"]), (["b.test"], ["b"]), (["d.test"], ["d"])]))
        #expect(found.count == 3)
    }

    @Test func `A file of the system that is missing names the missing folder`() {
        let problem = #expect(throws: CertificateProblem.self) {
            try CertificateFileSystem.read("/nonexistent/folder/a.pem")
        }
        #expect(
            problem?.description
                == "/nonexistent/folder/a.pem: cannot be read: No such file or directory (folder /nonexistent)")
    }

    @Test func `A folder is no certificate`() {
        let problem = #expect(throws: CertificateProblem.self) { try CertificateFileSystem.read("/tmp") }
        #expect(problem?.description == "/tmp: cannot be read: not a file")
    }
}
