/// What stands in front of each record, in clear (RFC 8446 §5.1).
@safe
struct RecordHeader: Equatable {
    /// In bytes.
    static let size = 5
    /// Of the tag behind each protected record, in bytes.
    static let tag = 16
    /// The most that may follow the header of a protected record, in bytes (RFC 8446 §5.2).
    static let mostProtected = 16384 + 256

    let type: UInt8
    /// Of what follows, in bytes.
    let length: Int

    /// - Parameter bytes: at least `size`.
    init(_ bytes: UnsafeRawBufferPointer) {
        type = unsafe bytes[0]
        length = unsafe Int(bytes[3]) << 8 | Int(bytes[4])
    }
}

/// What a record carries (RFC 8446 §5.1).
enum ContentType: UInt8 {
    case changeCipherSpec = 20
    case alert = 21
    case handshake = 22
    case applicationData = 23
}
