import COpenSSL

/// Makes the records that one side of a TLS 1.3 connection sends (RFC 8446 §5.2): the cipher is OpenSSL's, the framing
/// is done here, so that each byte goes once from where it lies into the record.
///
/// It cannot be copied: a copy would number two records alike, which gives their content away (RFC 8446 §5.3).
@safe
struct RecordSealer: ~Copyable {
    enum ContentType: UInt8 {
        case alert = 21
        case handshake = 22
        case applicationData = 23
    }

    /// The most content of one record, in bytes (RFC 8446 §5.1).
    static let mostContent = 16384
    /// What a record has besides its content: header, type and tag, in bytes.
    static let overhead = header + 1 + tag
    private static let header = 5
    private static let longestCopied = 1024
    private static let tag = 16
    /// With AES-GCM 2^24.5 full records may be sent with one key (RFC 8446 §5.5).
    static let mostRecords: UInt32 = 1 << 24

    private var secret: TrafficSecret
    private var key = InlineArray<32, UInt8>(repeating: 0)
    /// The initialization vector in network order: four bytes, and eight that the record's number is added to.
    private var vectorStart: UInt32 = 0
    private var vectorEnd: UInt64 = 0
    private var sequence: UInt32
    private let recordLimit: UInt32
    private let contexts: RecordContexts
    private var lease = RecordContexts.Lease()

    /// - Parameters:
    ///   - sequence: how many records have been sent under `secret`.
    ///   - recordLimit: after how many records of one key `isUpdateDue`.
    /// - Returns: nil when OpenSSL cannot derive keys from `secret`.
    init?(
        _ secret: consuming TrafficSecret, sequence: UInt32, contexts: RecordContexts,
        recordLimit: UInt32 = mostRecords
    ) {
        self.secret = secret
        self.sequence = sequence
        self.contexts = contexts
        self.recordLimit = recordLimit
        guard deriveKey() else { return nil }
    }

    /// Forgets all keys; nothing can be sealed behind it.
    mutating func forget() {
        contexts.end(lease)
        wipe(&key)
        secret.forget()
    }

    /// Whether the next record should be one of `sealUpdate`.
    var isUpdateDue: Bool { sequence >= recordLimit }

    /// Writes one record of `content`, which does not lie in `record`.
    ///
    /// - Parameters:
    ///   - content: up to `mostContent` bytes.
    ///   - record: with room for `overhead` bytes more than that.
    /// - Returns: the record's length; nil when OpenSSL fails, and then the connection cannot go on.
    mutating func seal(
        _ content: UnsafeRawBufferPointer, as type: ContentType, into record: UnsafeMutableRawPointer
    ) -> Int? {
        guard let context = unsafe contexts.context(of: lease) ?? keyContext() else { return nil }
        let length = content.count + 1 + Self.tag
        // As records of TLS 1.2 and its application data look.
        unsafe record.storeBytes(of: UInt32(0x1703_0300 | length >> 8).bigEndian, as: UInt32.self)
        unsafe record.storeBytes(of: UInt8(truncatingIfNeeded: length), toByteOffset: 4, as: UInt8.self)
        let counted = vectorEnd ^ UInt64(sequence).bigEndian
        let nonce = (vectorStart, UInt32(truncatingIfNeeded: counted), UInt32(truncatingIfNeeded: counted >> 32))
        let isSealed = unsafe withUnsafeBytes(of: nonce) { nonce in
            unsafe Self.encrypt(content, type, nonce, into: record, context)
        }
        guard isSealed else { return nil }
        sequence += 1
        return Self.header + length
    }

    @inline(__always)
    private static func encrypt(
        _ content: UnsafeRawBufferPointer, _ type: ContentType, _ nonce: UnsafeRawBufferPointer,
        into record: UnsafeMutableRawPointer, _ context: OpaquePointer
    ) -> Bool {
        let start = unsafe record.assumingMemoryBound(to: UInt8.self)
        let body = unsafe start + header
        let count = content.count
        var done: Int32 = 0
        guard
            unsafe EVP_EncryptInit_ex2(
                context, nil, nil, nonce.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1,
            unsafe EVP_EncryptUpdate(context, nil, &done, start, Int32(header)) == 1
        else { return false }
        unsafe body[count] = type.rawValue
        if count <= longestCopied {
            // One call for both costs less than the copy.
            unsafe UnsafeMutableRawBufferPointer(start: body, count: count).copyMemory(from: content)
            guard unsafe EVP_EncryptUpdate(context, body, &done, body, Int32(count + 1)) == 1 else { return false }
        } else {
            let plain = unsafe content.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard unsafe EVP_EncryptUpdate(context, body, &done, plain, Int32(count)) == 1,
                unsafe EVP_EncryptUpdate(context, body + count, &done, body + count, 1) == 1
            else { return false }
        }
        return unsafe EVP_EncryptFinal_ex(context, body + count + 1, &done) == 1
            && COpenSSL_CIPHER_CTX_get_tag(context, body + count + 1, tag) == 1
    }

    /// Writes a record that announces new keys, and goes on with those (RFC 8446 §4.6.3).
    ///
    /// - Parameter record: with room for `updateSize` bytes.
    mutating func sealUpdate(into record: UnsafeMutableRawPointer) -> Int? {
        // A key_update of one byte, which asks for none in return.
        let message: InlineArray<5, UInt8> = [24, 0, 0, 1, 0]
        let count = unsafe withUnsafeBytes(of: message) { unsafe seal($0, as: .handshake, into: record) }
        guard let count, secret.advance(), deriveKey() else { return nil }
        sequence = 0
        contexts.end(lease)
        lease = RecordContexts.Lease()
        return count
    }

    /// The length of what `sealUpdate` writes, in bytes.
    static let updateSize = 5 + overhead

    private mutating func deriveKey() -> Bool {
        var vector = InlineArray<12, UInt8>(repeating: 0)
        defer { wipe(&vector) }
        let size = secret.cipher.keySize
        guard
            unsafe withUnsafeMutableBytes(
                of: &key,
                { key in
                    unsafe secret.expand("key", into: UnsafeMutableRawBufferPointer(rebasing: key[..<size]))
                }),
            unsafe withUnsafeMutableBytes(of: &vector, { unsafe secret.expand("iv", into: $0) })
        else { return false }
        unsafe withUnsafeBytes(of: vector) { vector in
            vectorStart = unsafe vector.loadUnaligned(as: UInt32.self)
            vectorEnd = unsafe vector.loadUnaligned(fromByteOffset: 4, as: UInt64.self)
        }
        return true
    }

    @inline(never)
    private mutating func keyContext() -> OpaquePointer? {
        let keyed = unsafe withUnsafeBytes(of: key) { key in
            unsafe contexts.key(
                secret.cipher, with: key.baseAddress!.assumingMemoryBound(to: UInt8.self), replacing: lease)
        }
        guard let keyed = unsafe keyed else { return nil }
        lease = unsafe keyed.lease
        return unsafe keyed.context
    }
}
