import TLS

/// A signed request in the flattened form (RFC 7515 §7.2.2, RFC 8555 §6.2).
package enum JSONWebSignature {
    /// Who signs.
    package enum Signer: Equatable, Sendable {
        /// The key itself: for new accounts, and revocations by a certificate's key.
        case key
        /// The account, by its URL.
        case account(String)
    }

    /// - Parameter payload: nil for a request that only asks (POST-as-GET).
    package static func request(
        _ payload: [UInt8]?, to url: String, nonce: String?, _ signer: Signer, _ key: SigningKey, _ jwk: JSONWebKey
    ) throws(AcmeError) -> [UInt8] {
        var header = [#""alg":"\#(jwk.algorithm)""#]
        switch signer {
        case .key: header.append(#""jwk":\#(jwk.text)"#)
        case .account(let account): header.append(#""kid":\#(quoted(account))"#)
        }
        if let nonce { header.append(#""nonce":\#(quoted(nonce))"#) }
        header.append(#""url":\#(quoted(url))"#)
        return try assemble("{\(header.joined(separator: ","))}", payload ?? []) { text throws(AcmeError) in
            guard let signature = key.signature(of: text), let raw = jwk.rawSignature(signature) else {
                throw .local("the account's key cannot sign")
            }
            return raw
        }
    }

    /// The proof that an account of another system wants this key (RFC 8555 §7.3.4).
    ///
    /// - Parameter secret: the bytes of the key that the authority has given.
    package static func externalBinding(
        of jwk: JSONWebKey, keyID: String, secret: [UInt8], url: String
    ) throws(AcmeError) -> [UInt8] {
        let header = #"{"alg":"HS256","kid":\#(quoted(keyID)),"url":\#(quoted(url))}"#
        return try assemble(header, Array(jwk.text.utf8)) { text throws(AcmeError) in
            guard let code = authenticationCode(of: text, key: secret) else {
                throw .local("OpenSSL has no HMAC with SHA-256")
            }
            return code
        }
    }

    private static func assemble(
        _ header: String, _ payload: [UInt8], _ sign: ([UInt8]) throws(AcmeError) -> [UInt8]
    ) throws(AcmeError) -> [UInt8] {
        let protected = Base64URL.encode(Array(header.utf8))
        let content = Base64URL.encode(payload)
        let signature = Base64URL.encode(try sign(Array("\(protected).\(content)".utf8)))
        return Array(#"{"payload":"\#(content)","protected":"\#(protected)","signature":"\#(signature)"}"#.utf8)
    }

    /// A text that came from outside, as JSON.
    private static func quoted(_ text: String) -> String { String(decoding: JSON.encode(text), as: UTF8.self) }
}

extension JSONWebKey {
    /// The signature in the form of JOSE: on a curve two numbers of fixed size (RFC 7518 §3.4).
    func rawSignature(_ signature: [UInt8]) -> [UInt8]? {
        guard let coordinateSize else { return signature }
        var outer = DERReader(signature)
        guard var numbers = outer.read(DER.Tag.sequence).map({ DERReader($0) }) else { return nil }
        var raw: [UInt8] = []
        for _ in 0..<2 {
            guard let number = numbers.read(DER.Tag.integer)?.drop(while: { $0 == 0 }), number.count <= coordinateSize
            else { return nil }
            raw += [UInt8](repeating: 0, count: coordinateSize - number.count) + number
        }
        return raw
    }
}
