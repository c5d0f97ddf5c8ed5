import TLS

/// The public part of a key, as signatures of ACME name it (RFC 7517, RFC 7518 §6).
package struct JSONWebKey: Equatable, Sendable {
    /// The members in the order of their names, without spaces: the form whose digest is the thumbprint (RFC 7638).
    package let text: String
    /// `ES256`, `ES384` or `RS256`.
    package let algorithm: String
    /// Bytes of each of the two numbers of a signature on a curve; nil for RSA.
    let coordinateSize: Int?

    /// - Throws: for a key of a kind that ACME has no algorithm for.
    package init(_ key: SigningKey) throws(AcmeError) {
        var outer = DERReader(key.publicKeyInfo)
        guard let info = outer.read(DER.Tag.sequence).map({ DERReader($0) }) else { throw .local(Self.unsupported) }
        var parts = info
        guard parts.readAny() != nil, let bits = parts.read(DER.Tag.bitString)?.dropFirst() else {
            throw .local(Self.unsupported)
        }
        switch key.kind {
        case .ecdsaP256:
            (text, algorithm, coordinateSize) = (try Self.curve("P-256", bits, size: 32), "ES256", 32)
        case .ecdsaP384:
            (text, algorithm, coordinateSize) = (try Self.curve("P-384", bits, size: 48), "ES384", 48)
        case .rsa:
            var sequence = DERReader(bits)
            guard var numbers = sequence.read(DER.Tag.sequence).map({ DERReader($0) }),
                let modulus = numbers.read(DER.Tag.integer), let exponent = numbers.read(DER.Tag.integer)
            else { throw .local(Self.unsupported) }
            let e = Base64URL.encode(exponent.drop { $0 == 0 })
            let n = Base64URL.encode(modulus.drop { $0 == 0 })
            (text, algorithm, coordinateSize) = (#"{"e":"\#(e)","kty":"RSA","n":"\#(n)"}"#, "RS256", nil)
        }
    }

    private static let unsupported = "the account's key is of a kind that ACME does not know"

    private static func curve(_ name: String, _ bits: ArraySlice<UInt8>, size: Int) throws(AcmeError) -> String {
        // An uncompressed point.
        guard bits.count == 2 * size + 1, bits.first == 4 else { throw .local(unsupported) }
        let x = Base64URL.encode(bits.dropFirst().prefix(size))
        let y = Base64URL.encode(bits.suffix(size))
        return #"{"crv":"\#(name)","kty":"EC","x":"\#(x)","y":"\#(y)"}"#
    }

    /// The digest of the key, without padding.
    package var thumbprint: String { Base64URL.encode(digest(of: Array(text.utf8))) }

    /// What proves to a validation that the account has answered (RFC 8555 §8.1).
    package func keyAuthorization(_ token: String) -> String { "\(token).\(thumbprint)" }
}
