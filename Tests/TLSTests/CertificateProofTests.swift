import COpenSSL
import Testing

@testable import TLS

@Suite("Proof of certificates") struct CertificateProofTests {
    private let authority = TestAuthority()
    private let files = TestFiles()

    private func identity(_ certificate: [UInt8], _ key: [UInt8]) throws -> CertificateIdentity {
        let chain = try #require(try PEMFile.blocks(of: certificate).first)
        let pointer = unsafe chain.parse { position, count in unsafe d2i_X509(nil, position, count) }
        let parsed = unsafe X509Certificate(try #require(unsafe pointer))
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

    @Test func `Decoders are used again, also after a block that is no key`() throws {
        let decoders = PrivateKeyDecoders()
        for _ in 0..<3 {
            let issued = authority.issue(["a.test"])
            let key = try #require(try PEMFile.blocks(of: issued.key).first)
            let certificate = try #require(try PEMFile.blocks(of: issued.certificate).first)
            #expect(unsafe decoders.decode(certificate, type: "EC") == nil)
            let decoded = unsafe decoders.decode(key, type: "EC")
            #expect(unsafe decoded != nil)
            unsafe EVP_PKEY_free(decoded)
        }
        ERR_clear_error()
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
