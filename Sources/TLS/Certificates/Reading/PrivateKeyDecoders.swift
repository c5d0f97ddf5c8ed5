import COpenSSL
import Memory
import Synchronization

/// Reusable decoders of private keys: OpenSSL takes longer to create one than to decode a key with it.
final class PrivateKeyDecoders: Sendable {
    /// Those that no thread is using, by the type of key.
    private let idle = Mutex<[String: [Decoder]]>([:])

    /// - Parameter type: OpenSSL's name for it.
    /// - Returns: nil when the block is not a key of this type.
    func decode(_ block: PEMBlock, type: String?) -> EVP_PKEY? {
        guard let type else { return nil }
        let known = idle.withLock { $0[type]?.popLast() }
        guard let decoder = known ?? Decoder(type), let key = decoder.decode(block.view) else { return nil }
        // After a failure a context cannot decode any more.
        idle.withLock { $0[type, default: []].append(decoder) }
        return key
    }

    /// Used by one thread at a time.
    @safe
    private final class Decoder: @unchecked Sendable {
        private let context: OpaquePointer
        /// Where the context stores each key.
        private let decodedKey: UnsafeMutablePointer<EVP_PKEY?>

        init?(_ type: String) {
            unsafe decodedKey = .allocate(capacity: 1)
            unsafe decodedKey.initialize(to: nil)
            let context = unsafe OSSL_DECODER_CTX_new_for_pkey(
                decodedKey, "DER", nil, type, COpenSSL_PKEY_KEYPAIR, nil, nil)
            guard let context = unsafe context else {
                unsafe decodedKey.deallocate()
                return nil
            }
            unsafe self.context = context
        }

        deinit {
            unsafe OSSL_DECODER_CTX_free(context)
            unsafe decodedKey.deinitialize(count: 1)
            unsafe decodedKey.deallocate()
        }

        func decode(_ encoded: ByteView) -> EVP_PKEY? {
            // The context stores a reference that belongs to the memory.
            defer { unsafe decodedKey.pointee = nil }
            return unsafe encoded.parse { position, count in
                var count = count
                return unsafe OSSL_DECODER_from_data(context, position, &count) == 1 ? decodedKey.pointee : nil
            }
        }
    }
}
