import COpenSSL
import Testing

@testable import TLS

@Suite("Proof of certificates") struct CertificateProofTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    private func identity(_ certificate: [UInt8], _ key: [UInt8]) throws -> CertificateIdentity {
        let chain = try #require(try PEMFile.blocks(of: certificate).first)
        guard let object = chain.view.certificate else { throw TLSError("read certificate") }
        let parsed = X509Certificate(object)
        let block = try #require(try PEMFile.blocks(of: key).first)
        return CertificateIdentity(
            certificate: parsed, issuers: [], key: try PrivateKey.read(block, like: parsed, PrivateKeyDecoders()),
            generation: 1)
    }

    @Test(arguments: TestAuthority.KeyKind.allCases) func `A key proves its own certificate and no other`(
        _ kind: TestAuthority.KeyKind
    ) throws {
        let (a, b) = (authority.issue(["a.test"], kind), authority.issue(["a.test"], kind))
        #expect(try identity(a.certificate, a.key).provesItself)
        #expect(try !identity(a.certificate, b.key).provesItself)
    }

    /// OpenSSL trusts the public half of a file with a key.
    @Test func `A key beside the public half of another proves nothing`() throws {
        let (a, b) = (authority.issue(["a.test"]), authority.issue(["a.test"]))
        let ours = try #require(PEMFile.blocks(of: a.key).first).bytes
        let other = try #require(PEMFile.blocks(of: b.key).first).bytes
        // The point of a key on P-256 is at its end (RFC 5915 §3).
        let mixed = other.dropLast(65) + ours.suffix(65)
        var base64 = [UInt8](repeating: 0, count: 4 * (mixed.count / 3 + 1) + 1)
        let count = unsafe EVP_EncodeBlock(&base64, Array(mixed), Int32(mixed.count))
        let (first, last) = ("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n")
        let text = Array(first.utf8) + base64.prefix(Int(count)) + Array(last.utf8)
        #expect(try !identity(a.certificate, text).provesItself)
    }

    @Test func `Decoders are used again, also after a block that is no key`() throws {
        let decoders = PrivateKeyDecoders()
        for _ in 0..<3 {
            let issued = authority.issue(["a.test"])
            let key = try #require(try PEMFile.blocks(of: issued.key).first)
            let certificate = try #require(try PEMFile.blocks(of: issued.certificate).first)
            let (isCertificate, isKey) = (
                decoders.decode(certificate, type: "EC") != nil, decoders.decode(key, type: "EC") != nil
            )
            #expect(!isCertificate)
            #expect(isKey)
        }
        ERR_clear_error()
    }

    @Test func `Chains that were parsed ahead are those of the files`() throws {
        let issued = authority.issue(["a.test"], serial: 10)
        let chains = ChainReader()
        chains.parseAhead(["/a.pem": issued.certificate, "/a.key": issued.key, "/b.pem": [0x2D]]) {}
        for _ in 0..<2 {
            let chain = try chains.chain(in: issued.certificate, of: "/a.pem")
            #expect(chain.map(\.serial) == ["0A"])
        }
    }

    @Test func `More names than are tried one by one are all served`() throws {
        let count = 501
        files.add("shared", authority.issue((0..<count).map { "n\($0).test" }, serial: 10))
        files.add("other", authority.issue(["other.test"], .ed25519, serial: 11))
        let sites = listener((0..<count).map { (["n\($0).test"], ["shared"]) } + [(["other.test"], ["other"])])
        let store = try #require(try files.loader().load([sites]).stores["secure"])
        #expect(TestClient().connect(to: store, "n0.test").serial == "0A")
        #expect(TestClient().connect(to: store, "n500.test").serial == "0A")
        #expect(TestClient().connect(to: store, "other.test").serial == "0B")
    }
}
