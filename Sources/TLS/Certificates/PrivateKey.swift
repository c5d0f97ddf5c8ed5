import COpenSSL
import Transport

/// A private key; OpenSSL wipes its memory when it is freed.
@safe
final class PrivateKey: @unchecked Sendable {
    let pointer: OpaquePointer

    private init(_ pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe EVP_PKEY_free(pointer)
    }

    /// Reads a key that is not encrypted: PKCS #8 (RFC 5958), or the older forms for RSA and EC keys.
    ///
    /// - Parameter decoders: for the type of the certificate's key, which is tried first: OpenSSL needs three times as
    ///   long to detect the type.
    static func read(
        _ block: PEMBlock, like certificate: X509Certificate, _ decoders: PrivateKeyDecoders
    ) throws(TLSError) -> PrivateKey {
        let key =
            unsafe decoders.decode(block, type: EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate.pointer)))
            ?? block.parse { position, count in unsafe d2i_AutoPrivateKey(nil, position, count) }
        guard let key = unsafe key else { throw TLSError("read private key") }
        ERR_clear_error()
        return unsafe PrivateKey(key)
    }

    /// Reads the encrypted key in a PEM file.
    static func decrypt(_ text: [UInt8], passphrase: [UInt8]) throws(TLSError) -> PrivateKey {
        let key = unsafe withMemoryBIO(over: text.withoutByteOrderMark) { source in
            var passphrase = Passphrase(bytes: passphrase)
            defer { passphrase.bytes.wipe() }
            return unsafe withUnsafeMutablePointer(to: &passphrase) { argument in
                unsafe PEM_read_bio_PrivateKey(source, nil, givePassphrase, argument)
            }
        }
        guard let key = unsafe key else { throw TLSError("decrypt private key") }
        ERR_clear_error()
        return unsafe PrivateKey(key)
    }
}

private struct Passphrase {
    var bytes: [UInt8]
}

private let givePassphrase:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        buffer, capacity, _, argument in
        let bytes = unsafe argument!.assumingMemoryBound(to: Passphrase.self).pointee.bytes
        guard bytes.count <= Int(capacity) else { return -1 }
        for (index, byte) in bytes.enumerated() { unsafe buffer?[index] = CChar(bitPattern: byte) }
        return Int32(bytes.count)
    }
