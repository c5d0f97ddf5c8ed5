import COpenSSL
import Memory

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1), as far as records need it: keys, vectors and the next secret,
/// none of which is longer than the hash, so that each is the start of one HMAC (RFC 5869 §2.3).
///
/// It keeps a MAC context for each hash: to make one for OpenSSL's TLS13-KDF takes three times as long as the HMAC.
final class LabelExpander {
    private var sha256: MACContext?
    private var sha384: MACContext?

    /// Fills `output`, at most as long as the hash; false when OpenSSL cannot.
    ///
    /// - Parameter secret: as long as secrets of this cipher are.
    func expand(
        _ label: StaticString, of secret: ByteView, _ cipher: RecordCipher,
        into output: MutableByteView
    ) -> Bool {
        precondition(output.count <= cipher.secretSize && secret.count == cipher.secretSize)
        guard let context = context(for: cipher) else { return false }
        var info = InlineArray<32, UInt8>(repeating: 0)
        let count = Self.encode(label, length: output.count, into: &info)
        var block = InlineArray<48, UInt8>(repeating: 0)
        defer { wipe(&block) }
        let size = BytesOfValues.with(info) { info in
            BytesOfValues.withMutable(&block) { context.code(of: info[..<count], key: secret, into: $0) }
        }
        guard size == cipher.secretSize else { return false }
        BytesOfValues.with(block) { output.copy($0[..<output.count]) }
        return true
    }

    /// Leaves nothing of the last secret in memory.
    func forget(_ cipher: RecordCipher) {
        let zeros = InlineArray<48, UInt8>(repeating: 0)
        guard let context = context(for: cipher) else { return }
        _ = BytesOfValues.with(zeros) { context.setKey($0[..<cipher.secretSize]) }
    }

    private func context(for cipher: RecordCipher) -> MACContext? {
        if cipher.secretSize == 32 {
            if sha256 == nil { sha256 = MACContext(cipher.digest) }
            return sha256
        }
        if sha384 == nil { sha384 = MACContext(cipher.digest) }
        return sha384
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
