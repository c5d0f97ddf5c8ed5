import COpenSSL
import Memory
import Transport

/// A private key; OpenSSL wipes its memory when it is freed.
final class PrivateKey: Sendable {
    let object: EVP_PKEY

    private init(_ object: EVP_PKEY) {
        self.object = object
    }

    /// Reads a key that is not encrypted: PKCS #8 (RFC 5958), or the older forms for RSA and EC keys.
    ///
    /// - Parameter decoders: for the type of the certificate's key, which is tried first: OpenSSL needs three times as
    ///   long to detect the type.
    static func read(
        _ block: PEMBlock, like certificate: X509Certificate, _ decoders: PrivateKeyDecoders
    ) throws(TLSError) -> PrivateKey {
        let type = X509_get0_pubkey(certificate.object)?.typeName
        guard let key = decoders.decode(block, type: type) ?? block.view.privateKey else {
            throw TLSError("read private key")
        }
        ERR_clear_error()
        return PrivateKey(key)
    }

    /// Reads the encrypted key in a PEM file.
    static func decrypt(_ text: [UInt8], passphrase: [UInt8]) throws(TLSError) -> PrivateKey {
        let key = passphrase.withBytes { passphrase in
            text.withoutByteOrderMark.withBytes { text in
                BIO.reading(text) { source in
                    var passphrase = passphrase
                    return unsafe PEM_read_bio_PrivateKey(source, nil, givePassphrase, &passphrase)
                }
            }
        }
        guard let key else { throw TLSError("decrypt private key") }
        ERR_clear_error()
        return PrivateKey(key)
    }
}

private let givePassphrase:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        buffer, capacity, _, argument in
        let room = unsafe MutableByteView(start: buffer, count: Int(capacity))
        guard let passphrase = unsafe argument?.load(as: ByteView.self), passphrase.count <= room.count else {
            return -1
        }
        room.copy(passphrase)
        return Int32(passphrase.count)
    }
