import TLS
import Testing

@testable import ACME

@Suite struct EncodingTests {
    @Test func everyLengthOfBytesHasOneEncodingForURLs() {
        for count in 0..<20 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 250 + $0 * 37) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test(arguments: ["A", "AAAAA", "AB", "AA=", "A A", "AA+/"])
    func textThatNoBytesHaveIsRefused(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func anElementThatIsCutOrHasALongerFormOfItsLengthIsRefused() {
        let element = DER.octets([UInt8](repeating: 7, count: 200))
        var whole = DERReader(element)
        #expect(whole.read(DER.Tag.octetString)?.count == 200)
        for count in 0..<element.count {
            var cut = DERReader(element.prefix(count))
            #expect(cut.read(DER.Tag.octetString) == nil)
        }
        var padded = DERReader([0x04, 0x81, 0x01, 0x00])
        #expect(padded.readAny() == nil)
    }

    @Test func aRenewalIsNamedAsInTheExampleOfTheStandard() {
        let key: [UInt8] = [
            0x69, 0x88, 0x5B, 0x6B, 0x87, 0x46, 0x40, 0x41, 0xE1, 0xB3, 0x7B, 0x84, 0x7B, 0xA0, 0xAE, 0x2C, 0xDE, 0x01,
            0xC8, 0xD4,
        ]
        let field = CertificateParts.extensionField(
            CertificateParts.authorityKeyIdentifier, DER.sequence(DER.element(DER.Tag.primitive(0), key)))
        let fields = DER.sequence(
            DER.element(DER.Tag.context(0), DER.integer([2])), DER.integer([0x87, 0x65, 0x43, 0x21]),
            DER.element(DER.Tag.context(3), DER.sequence(field)))
        // RFC 9773 §4.1.
        #expect(RenewalIdentifier.make(of: DER.sequence(fields)) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
        #expect(RenewalIdentifier.make(of: DER.sequence(fields).dropLast()) == nil)
    }

    @Test func textOfStrangersIsOneLineOfLimitedLength() {
        #expect(visibleText("a\nb\u{1b}[31mc\u{202E}d") == "a b [31mc d")
        #expect(visibleText(String(repeating: "x", count: 400)).count == 301)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-30T23:00:00.123Z", 1_796_079_600),
        ("2024-02-29T12:00:00+01:30", 1_709_202_600),
    ])
    func timesAreRead(_ text: String, _ time: Int64) { #expect(seconds(rfc3339: text) == time) }

    @Test(arguments: ["", "2026-11-30", "2026-13-01T00:00:00Z", "2026-11-30T23:00:00", "2026-11-30T23:00:00.Z", "x"])
    func textThatIsNoTimeIsRefused(_ text: String) { #expect(seconds(rfc3339: text) == nil) }

    @Test func problemsAreToldInWords() {
        let problem = ProblemDocument(
            type: "urn:ietf:params:acme:error:rateLimited", detail: "too many\ncertificates",
            subproblems: [.init(type: "urn:ietf:params:acme:error:caa", identifier: Identifier("a.test"))])
        #expect(
            problem.text
                == "too much was asked of it lately (rateLimited: too many certificates); a.test: a CAA record forbids it "
                + "to issue")
    }
}

@Suite struct KeyTests {
    @Test(arguments: [(SigningKey.Kind.ecdsaP256, "ES256", 64), (.ecdsaP384, "ES384", 96), (.rsa, "RS256", 256)])
    func signaturesHaveTheFormOfTheirAlgorithm(_ kind: SigningKey.Kind, _ name: String, _ size: Int) throws {
        let key = try SigningKey(kind)
        let jwk = try JSONWebKey(key)
        #expect(jwk.algorithm == name)
        for _ in 0..<20 {
            let signature = try #require(key.signature(of: [1, 2, 3]))
            #expect(jwk.rawSignature(signature)?.count == size)
        }
        #expect(Base64URL.decode(jwk.thumbprint)?.count == 32)
    }

    @Test(arguments: SigningKey.Kind.allCases)
    func aKeyIsReadAgainWithItsPassphraseOnly(_ kind: SigningKey.Kind) throws {
        let key = try SigningKey(kind)
        let plain = try SigningKey(pem: key.pem(passphrase: nil), passphrase: nil)
        #expect(plain.publicKeyInfo == key.publicKeyInfo)
        let encrypted = key.pem(passphrase: "secret")
        #expect(try SigningKey(pem: encrypted, passphrase: Array("secret".utf8)).publicKeyInfo == key.publicKeyInfo)
        #expect(throws: TLSError.self) { try SigningKey(pem: encrypted, passphrase: Array("other".utf8)) }
        #expect(throws: TLSError.self) { try SigningKey(pem: encrypted, passphrase: nil) }
    }

    @Test func aPlaceholderCouldBeServedAndSaysWhatItIs() throws {
        let now = Timestamp.now
        let text = try OwnCertificate.placeholder(
            for: ["a.test", "*.b.test", "192.0.2.1", "2001:db8::1"], at: now.seconds)
        let contents = try CertificateContents(text, passphrase: nil, file: "placeholder", at: now)
        #expect(contents.names == ["a.test", "*.b.test", "192.0.2.1", "2001:db8::1"])
        #expect(contents.problem == nil)
        #expect(contents.root.contains("Isagate placeholder"))
    }
}
