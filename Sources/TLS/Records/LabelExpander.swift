import COpenSSL
import Memory

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1), as far as records need it: keys, vectors and the next secret,
/// none of which is longer than the hash, so that each is the start of one HMAC (RFC 5869 §2.3).
///
/// It keeps a MAC context for each hash: to make one for OpenSSL's TLS13-KDF takes three times as long as the HMAC.
@safe
final class LabelExpander {
    private var sha256: OpaquePointer?
    private var sha384: OpaquePointer?

    deinit {
        unsafe EVP_MAC_CTX_free(sha256)
        unsafe EVP_MAC_CTX_free(sha384)
    }

    /// Fills `output`, at most as long as the hash; false when OpenSSL cannot.
    ///
    /// - Parameter secret: as long as secrets of this cipher are.
    func expand(
        _ label: StaticString, of secret: ByteView, _ cipher: RecordCipher,
        into output: MutableByteView
    ) -> Bool {
        precondition(output.count <= cipher.secretSize && secret.count == cipher.secretSize)
        guard let context = unsafe context(for: cipher) else { return false }
        var info = InlineArray<32, UInt8>(repeating: 0)
        let count = Self.encode(label, length: output.count, into: &info)
        var block = InlineArray<48, UInt8>(repeating: 0)
        defer { wipe(&block) }
        var size = 0
        let isMade = BytesOfValues.with(info) { info in
            BytesOfValues.withMutable(&block) { block in
                unsafe Self.setKey(secret, of: context)
                    && EVP_MAC_update(context, info.octets, count) == 1
                    && EVP_MAC_final(context, block.octets, &size, block.count) == 1
            }
        }
        guard isMade, size == cipher.secretSize else { return false }
        BytesOfValues.with(block) { output.copy($0[..<output.count]) }
        return true
    }

    /// Leaves nothing of the last secret in memory.
    func forget(_ cipher: RecordCipher) {
        let zeros = InlineArray<48, UInt8>(repeating: 0)
        guard let context = unsafe context(for: cipher) else { return }
        _ = BytesOfValues.with(zeros) { unsafe Self.setKey($0[..<cipher.secretSize], of: context) }
    }

    private static func setKey(_ key: ByteView, of context: OpaquePointer) -> Bool {
        unsafe EVP_MAC_init(context, key.octets, key.count, nil) == 1
    }

    private func context(for cipher: RecordCipher) -> OpaquePointer? {
        if cipher.secretSize == 32 {
            if unsafe sha256 == nil { unsafe sha256 = COpenSSL_MAC_CTX_new_hmac(cipher.digest) }
            return unsafe sha256
        }
        if unsafe sha384 == nil { unsafe sha384 = COpenSSL_MAC_CTX_new_hmac(cipher.digest) }
        return unsafe sha384
    }

    /// Writes an HkdfLabel, and behind it the number of the block that HKDF-Expand makes of it; returns their length.
    private static func encode(
        _ label: StaticString, length: Int, into info: inout InlineArray<32, UInt8>
    ) -> Int {
        let prefix: StaticString = "tls13 "
        let size = prefix.utf8CodeUnitCount + label.utf8CodeUnitCount
        info[1] = UInt8(length)
        info[2] = UInt8(size)
        var end = 3
        for text in [prefix, label] {
            for byte in ByteView(text) {
                info[end] = byte
                end += 1
            }
        }
        // The context's length is 0, and the block is the first.
        info[end + 1] = 1
        return end + 2
    }
}
