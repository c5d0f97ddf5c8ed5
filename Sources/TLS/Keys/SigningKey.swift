import COpenSSL
import Memory
import Transport

/// A private key that the gateway makes, keeps and signs with: an account's, or that of a certificate.
package final class SigningKey: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case ecdsaP256 = "ecdsa-p256"
        case ecdsaP384 = "ecdsa-p384"
        case rsa = "rsa-2048"
    }

    package let kind: Kind
    private let key: EVP_PKEY

    /// A new key.
    package init(_ kind: Kind) throws(TLSError) {
        let made =
            switch kind {
            case .ecdsaP256: COpenSSL_EC_gen("P-256")
            case .ecdsaP384: COpenSSL_EC_gen("P-384")
            case .rsa: COpenSSL_RSA_gen(2048)
            }
        guard let made else { throw TLSError("make a key") }
        key = made
        self.kind = kind
    }

    /// The first private key in PEM, which may be among other blocks.
    ///
    /// - Parameter passphrase: for a key that is encrypted.
    package init(pem text: [UInt8], passphrase: [UInt8]?) throws(TLSError) {
        let blocks: [PEMBlock]
        do throws(PEMFault) {
            blocks = try PEMFile.blocks(of: text)
        } catch {
            throw TLSError(action: "read private key", reason: error.description)
        }
        guard let block = blocks.first(where: { $0.kind == .key || $0.kind == .encryptedKey }) else {
            throw TLSError(action: "read private key", reason: "there is none")
        }
        if block.kind == .key {
            guard let read = block.view.privateKey else { throw TLSError("read private key") }
            key = read
        } else {
            guard let passphrase else {
                throw TLSError(action: "read private key", reason: "it is encrypted, and storage_key_file is not set")
            }
            key = try PrivateKey.decrypt(text, passphrase: passphrase).object
        }
        switch KeyType(of: key) {
        case .ecdsa("prime256v1"): kind = .ecdsaP256
        case .ecdsa("secp384r1"): kind = .ecdsaP384
        case .rsa: kind = .rsa
        case let other: throw TLSError(action: "read private key", reason: "its type is \(other)")
        }
    }

    /// PKCS #8 in PEM, encrypted with a passphrase if there is one; empty when OpenSSL refuses that.
    package func pem(passphrase: String?) -> [UInt8] {
        defer { ERR_clear_error() }
        return BIO.bytes { output in
            if let passphrase {
                COpenSSL_PEM_write_encrypted_key(output, key, passphrase)
            } else {
                COpenSSL_PEM_write_key(output, key)
            }
        }
    }

    /// SubjectPublicKeyInfo, DER encoded (RFC 5280 §4.1).
    package var publicKeyInfo: [UInt8] { BIO.bytes { i2d_PUBKEY_bio($0, key) } }

    /// A signature with SHA-256, or SHA-384 for a key of 384 bits: in DER for a curve, by PKCS #1 for RSA; nil when
    /// OpenSSL cannot make it.
    package func signature(of text: [UInt8]) -> [UInt8]? {
        let digest = kind == .ecdsaP384 ? EVP_sha384() : EVP_sha256()
        return text.withBytes { key.signature(of: $0, digest) }
    }
}

/// SHA-256.
package func digest(of bytes: [UInt8]) -> [UInt8] { bytes.withBytes { $0.digest } }

/// HMAC with SHA-256; nil when OpenSSL has none.
package func authenticationCode(of text: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard let context = MACContext("SHA256") else { return nil }
    var code = [UInt8](repeating: 0, count: 32)
    let count = code.withMutableBytes { code in
        text.withBytes { text in key.withBytes { context.code(of: text, key: $0, into: code) } }
    }
    return count == code.count ? code : nil
}

/// Bytes that nobody can guess; nil when the system gives none.
package func randomBytes(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    return bytes.withMutableBytes { $0.randomize() } ? bytes : nil
}
