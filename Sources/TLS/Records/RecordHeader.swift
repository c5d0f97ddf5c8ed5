import Memory

/// The header of each record, in plaintext (RFC 8446 §5.1).
@safe
struct RecordHeader: Equatable {
    /// In bytes.
    static let size = 5
    /// Bytes of the tag after each protected record.
    static let tag = 16
    /// The maximum number of bytes after the header of a protected record (RFC 8446 §5.2).
    static let mostProtected = 16384 + 256

    let type: UInt8
    /// The number of bytes that follow.
    let length: Int

    /// - Parameter bytes: at least `size`.
    init(_ bytes: ByteView) {
        type = bytes[0]
        length = Int(bytes[3]) << 8 | Int(bytes[4])
    }
}

/// The content type of a record (RFC 8446 §5.1).
enum ContentType: UInt8 {
    case changeCipherSpec = 20
    case alert = 21
    case handshake = 22
    case applicationData = 23
}
