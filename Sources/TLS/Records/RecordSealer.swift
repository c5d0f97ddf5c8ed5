import COpenSSL
import Memory

/// Seals the records that one side of a TLS 1.3 connection sends (RFC 8446 §5.2): the cipher is OpenSSL's, the framing
/// is done here, so that each byte is copied once, from its source into the record.
@safe
struct RecordSealer: ~Copyable {
    /// The maximum content of one record, in bytes (RFC 8446 §5.1).
    static let mostContent = 16384
    /// The bytes of a record besides its content: header, type and tag.
    static let overhead = RecordHeader.size + 1 + RecordHeader.tag
    private static let longestCopied = 1024
    /// With AES-GCM 2^24.5 full records may be sent with one key (RFC 8446 §5.5).
    static let mostRecords: UInt32 = 1 << 24

    private var keys: RecordKeys
    private let recordLimit: UInt32

    /// - Parameter recordLimit: the number of records of one key after which `isUpdateDue`.
    init(_ keys: consuming RecordKeys, recordLimit: UInt32 = mostRecords) {
        self.keys = keys
        self.recordLimit = recordLimit
    }

    /// Wipes all keys; nothing can be sealed after this.
    mutating func forget() {
        keys.forget()
    }

    /// Whether the next record should be one of `sealUpdate`.
    var isUpdateDue: Bool { keys.sequence >= recordLimit }

    /// Writes one record of `content`, which does not overlap `record`.
    ///
    /// - Parameters:
    ///   - content: up to `mostContent` bytes.
    ///   - head: content that precedes it in the record; both together are at most `mostContent` bytes.
    ///   - record: a buffer of `overhead` bytes more than that.
    /// - Returns: the record's length; nil when OpenSSL fails, and then the connection cannot continue.
    mutating func seal(
        _ content: ByteView,
        after head: ByteView = ByteView(), as type: ContentType,
        into record: MutableByteView
    ) -> Int? {
        guard let context = keys.context() else { return nil }
        let length = head.count + content.count + 1 + RecordHeader.tag
        // The header of application data in TLS 1.2.
        record.store(UInt32(0x1703_0300 | length >> 8).bigEndian)
        record[4] = UInt8(truncatingIfNeeded: length)
        let isSealed = BytesOfValues.with(keys.nonce) { nonce in
            Self.encrypt(
                content, after: head, type, nonce, into: record[..<(RecordHeader.size + length)], context)
        }
        guard isSealed else { return nil }
        keys.count()
        return RecordHeader.size + length
    }

    /// Takes the last record back, which nobody has been or will be shown: the next one is sealed in its place, with its
    /// number.
    mutating func takeBack() {
        keys.uncount()
    }

    @inline(__always)
    private static func encrypt(
        _ content: ByteView, after head: ByteView, _ type: ContentType,
        _ nonce: ByteView, into record: MutableByteView, _ context: CipherContext
    ) -> Bool {
        let count = content.count
        precondition(record.count == head.count + count + overhead, "a record is as long as its parts")
        let start = unsafe record.octets.unsafelyUnwrapped
        let body = unsafe start + RecordHeader.size + head.count
        let end = unsafe body + count
        unsafe end.pointee = type.rawValue
        guard
            unsafe context.beginSealing(nonce) && context.update(nil, start, RecordHeader.size)
                && (head.isEmpty || context.update(start + RecordHeader.size, head.octets, head.count))
        else { return false }
        // One call for both costs less than the copy.
        let isCopied = count <= longestCopied
        if isCopied { record.copy(content, to: RecordHeader.size + head.count) }
        let isEncrypted =
            unsafe isCopied
            ? context.update(body, body, count + 1)
            : context.update(body, content.octets, count) && context.update(end, end, 1)
        return unsafe isEncrypted && context.finishSealing(end + 1, RecordHeader.tag)
    }

    /// Writes a record that announces new keys, and continues with those (RFC 8446 §4.6.3).
    ///
    /// - Parameters:
    ///   - record: a buffer of `updateSize` bytes.
    ///   - isAsking: whether the peer is asked to update its keys too.
    mutating func sealUpdate(into record: MutableByteView, isAsking: Bool = false) -> Int? {
        let message: InlineArray<5, UInt8> = [24, 0, 0, 1, isAsking ? 1 : 0]
        let count = BytesOfValues.with(message) { seal($0, as: .handshake, into: record) }
        guard let count, keys.advance() else { return nil }
        return count
    }

    /// The length of what `sealUpdate` writes, in bytes.
    static let updateSize = 5 + overhead
}
