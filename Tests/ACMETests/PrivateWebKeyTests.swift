import TLS
import Testing

@testable import ACME

@Suite("Private keys in JSON") struct PrivateWebKeyTests {
    /// RFC 7515 A.3.1.
    private let curve = """
        {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
        """

    @Test func aKeyOfACurveIsTheSameInPEM() throws {
        let key = try SigningKey(pem: try PrivateWebKey.pem(Array(curve.utf8)), passphrase: nil)
        #expect(key.kind == .ecdsaP256)
        #expect(try JSONWebKey(key).text.contains("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))
    }

    @Test(arguments: [
        "", "{}", "[1]", #"{"kty":"oct","k":"AA"}"#, #"{"kty":"RSA","n":"AQ","e":"AQ"}"#,
        #"{"kty":"EC","crv":"P-521"}"#,
        #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}"#,
        #"{"kty":"RSA","n":"!","e":"AQ","d":"AQ","p":"AQ","q":"AQ","dp":"AQ","dq":"AQ","qi":"AQ"}"#,
    ])
    func otherTextIsNone(_ text: String) {
        #expect(throws: AcmeError.self) { try PrivateWebKey.pem(Array(text.utf8)) }
    }

    @Test func everyPrefixOfAKeyIsNone() {
        let bytes = Array(curve.utf8)
        for end in bytes.indices {
            #expect(throws: AcmeError.self) { try PrivateWebKey.pem(Array(bytes[..<end])) }
        }
    }
}
