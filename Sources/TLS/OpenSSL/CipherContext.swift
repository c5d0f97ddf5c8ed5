import COpenSSL
import Memory

/// A reference to a context for encryption (EVP_CIPHER_CTX); not counted, and valid until its owner, a
/// `RecordContexts`, frees it.
@safe
struct CipherContext: BitwiseCopyable {
    let pointer: OpaquePointer

    /// A new context; nil when OpenSSL cannot allocate it.
    init?() {
        guard let made = unsafe EVP_CIPHER_CTX_new() else { return nil }
        unsafe pointer = made
    }

    /// Frees the context: no reference to it may be used afterwards.
    @unsafe func uncheckedFree() { unsafe EVP_CIPHER_CTX_free(pointer) }

    /// Wipes the key.
    func reset() { unsafe EVP_CIPHER_CTX_reset(pointer) }

    /// - Parameter cipher: nil to keep the one that the context has.
    func setKey(_ key: ByteView, _ cipher: EVP_CIPHER?, isSealing: Bool) -> Bool {
        unsafe EVP_CipherInit_ex2(pointer, cipher, key.octets, nil, isSealing ? 1 : 0, nil) == 1
    }
}
