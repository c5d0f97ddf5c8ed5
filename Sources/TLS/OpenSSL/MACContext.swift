import COpenSSL
import Memory

/// A context for HMAC with one hash.
@safe
final class MACContext {
    private let context: OpaquePointer

    /// - Parameter digest: OpenSSL's name for the hash.
    /// - Returns: nil when OpenSSL has none of this name.
    init?(_ digest: String) {
        guard let made = unsafe COpenSSL_MAC_CTX_new_hmac(digest) else { return nil }
        unsafe context = made
    }

    deinit {
        unsafe EVP_MAC_CTX_free(context)
    }

    func setKey(_ key: ByteView) -> Bool { unsafe EVP_MAC_init(context, key.octets, key.count, nil) == 1 }

    /// Writes the code of a text; returns its length, or nil when OpenSSL cannot make it.
    func code(of text: ByteView, key: ByteView, into output: MutableByteView) -> Int? {
        var size = 0
        guard setKey(key), unsafe EVP_MAC_update(context, text.octets, text.count) == 1,
            unsafe EVP_MAC_final(context, output.octets, &size, output.count) == 1
        else { return nil }
        return size
    }
}
