import COpenSSL
import Memory

/// Opens the records that one side of a TLS 1.3 connection receives after the handshake, and handles the messages that
/// concern later records (RFC 8446 §4.6, §5, §6).
@safe
struct RecordOpener: ~Copyable {
    enum Role {
        case server
        case client
    }

    /// The result of a record.
    enum Step: Equatable {
        /// This many bytes of application data are at the beginning of the output.
        case data(Int)
        /// Nothing for the application.
        case nothing
        /// The peer continues with new keys.
        case keyUpdate(isAnswerWanted: Bool)
        /// A server's ticket, or a part of one.
        case ticket
        /// close_notify: nothing follows.
        case closed
        /// The peer has closed the connection with an alert of this number.
        case ended(UInt8)
        /// The connection has to be closed with this alert.
        case refused(Alert)
    }

    /// What received bytes begin with.
    enum Frame: Equatable {
        case incomplete
        /// A record of this length, header included, complete or not.
        case record(Int)
        case refused(Alert)
    }

    /// The maximum number of consecutive records without content; OpenSSL allows as many.
    static let mostEmptyRecords = 32
    /// The maximum number of consecutive key updates without application data between them.
    static let mostKeyUpdates = 128
    /// The longest ticket, header included (RFC 8446 §4.6.1).
    private static let longestTicket = 4 + 4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65535

    private var keys: RecordKeys
    private let role: Role
    /// The maximum content of one record, in bytes.
    private let contentLimit: Int
    private let recordLimit: UInt32
    private var message = MessageFrame()
    private var emptyRecords = 0
    private var keyUpdates = 0
    private var hasAskedForUpdate = false

    /// - Parameters:
    ///   - role: the gateway's.
    ///   - contentLimit: the negotiated limit (RFC 6066 §4).
    ///   - recordLimit: the number of records of one key after which `isUpdateWanted`.
    init(
        _ keys: consuming RecordKeys, as role: Role, contentLimit: Int = RecordSealer.mostContent,
        recordLimit: UInt32 = RecordSealer.mostRecords
    ) {
        self.keys = keys
        self.role = role
        self.contentLimit = contentLimit
        self.recordLimit = recordLimit
    }

    /// Wipes all keys; nothing can be opened after this.
    mutating func forget() {
        keys.forget()
    }

    /// Whether the peer should be asked for new keys, since these have opened enough records; true only once.
    mutating func takeUpdateWish() -> Bool {
        guard keys.sequence >= recordLimit, !hasAskedForUpdate else { return false }
        hasAskedForUpdate = true
        return true
    }

    /// The length of the record that `input` begins with.
    static func frame(_ input: ByteView) -> Frame {
        guard input.count >= RecordHeader.size else { return .incomplete }
        let header = RecordHeader(input)
        // Plaintext records, change_cipher_spec included, belong to the handshake (RFC 8446 §5).
        guard header.type == ContentType.applicationData.rawValue else { return .refused(.unexpectedMessage) }
        guard header.length <= RecordHeader.mostProtected else { return .refused(.recordOverflow) }
        return .record(RecordHeader.size + header.length)
    }

    /// Opens one record.
    ///
    /// - Parameters:
    ///   - record: complete, as `frame` measured it.
    ///   - output: a buffer of `record.count - RecordHeader.size - RecordHeader.tag` bytes; the record's own memory
    ///     after its header, or memory that does not overlap the record.
    mutating func open(_ record: ByteView, into output: MutableByteView) -> Step {
        // A quarter more records than the limit at which an update is requested is still less than 2^24.5 (RFC 8446
        // §5.5).
        guard keys.sequence < recordLimit + recordLimit / 4 else { return .refused(.internalError) }
        guard keys.decrypt(record, into: output) else { return .refused(.badRecordMAC) }
        keys.count()
        var count = record.count - RecordHeader.size - RecordHeader.tag
        guard count <= RecordSealer.mostContent + 1 else { return .refused(.recordOverflow) }
        // The type is the last byte that is not padding.
        while count > 0, output[count - 1] == 0 { count -= 1 }
        guard count > 0 else { return .refused(.unexpectedMessage) }
        let type = ContentType(rawValue: output[count - 1])
        let content = output.view[..<(count - 1)]
        guard content.count <= contentLimit else { return .refused(.recordOverflow) }
        switch type {
        case .applicationData: return readData(content.count)
        case .handshake: return readMessages(content)
        case .alert: return readAlert(content)
        case .changeCipherSpec, nil: return .refused(.unexpectedMessage)
        }
    }

    private mutating func readData(_ count: Int) -> Step {
        guard !message.isUnderWay else { return .refused(.unexpectedMessage) }
        guard count == 0 else {
            emptyRecords = 0
            keyUpdates = 0
            return .data(count)
        }
        emptyRecords += 1
        return emptyRecords <= Self.mostEmptyRecords ? .nothing : .refused(.unexpectedMessage)
    }

    private mutating func readAlert(_ content: ByteView) -> Step {
        guard content.count > 0 else { return .refused(.unexpectedMessage) }
        guard content.count == 2 else { return .refused(.decodeError) }
        // The level has no meaning (RFC 8446 §6).
        switch Alert(rawValue: content[1]) {
        case .closeNotify: return .closed
        case .userCanceled:
            emptyRecords += 1
            return emptyRecords <= Self.mostEmptyRecords ? .nothing : .refused(.unexpectedMessage)
        default: return .ended(content[1])
        }
    }

    private mutating func readMessages(_ content: ByteView) -> Step {
        guard content.count > 0 else { return .refused(.unexpectedMessage) }
        keyUpdates += 1
        guard keyUpdates <= Self.mostKeyUpdates else { return .refused(.unexpectedMessage) }
        var offset = 0
        var step = Step.nothing
        while offset < content.count {
            guard message.isHeaderWhole else {
                if let alert = readHeaderByte(content[offset]) { return .refused(alert) }
                offset += 1
                continue
            }
            switch message.type {
            case .keyUpdate:
                let request = content[offset]
                guard request <= 1 else { return .refused(.illegalParameter) }
                // Further data has to be protected by the new keys (RFC 8446 §5.1).
                guard offset + 1 == content.count else { return .refused(.unexpectedMessage) }
                guard keys.advance() else { return .refused(.internalError) }
                hasAskedForUpdate = false
                message = MessageFrame()
                return .keyUpdate(isAnswerWanted: request == 1)
            case .newSessionTicket:
                let count = min(message.rest, content.count - offset)
                offset += count
                message.rest -= count
                step = .ticket
                if message.rest == 0 { message = MessageFrame() }
            }
        }
        return message.isUnderWay && message.isTicket ? .ticket : step
    }

    /// - Returns: the alert with which a message that begins so is refused.
    private mutating func readHeaderByte(_ byte: UInt8) -> Alert? {
        message.appendToHeader(byte)
        if message.headerCount == 1 {
            guard let type = MessageFrame.MessageType(rawValue: byte), type == .keyUpdate || role == .client else {
                return .unexpectedMessage
            }
            message.type = type
        }
        guard message.isHeaderWhole else { return nil }
        switch message.type {
        case .keyUpdate: return message.rest == 1 ? nil : .decodeError
        // Two numbers, an empty nonce, a ticket of one byte and no extensions are the minimum.
        case .newSessionTicket: return (14...Self.longestTicket - 4).contains(message.rest) ? nil : .decodeError
        }
    }
}

/// The header of a handshake message that may come in several records, as far as it is known.
private struct MessageFrame {
    /// Messages that may come after the handshake.
    enum MessageType: UInt8 {
        case newSessionTicket = 4
        case keyUpdate = 24
    }

    var type = MessageType.keyUpdate
    private(set) var headerCount: UInt8 = 0
    /// Remaining bytes of the message; its whole length until some of it has come.
    var rest = 0

    var isUnderWay: Bool { headerCount > 0 }
    var isHeaderWhole: Bool { headerCount == 4 }
    var isTicket: Bool { type == .newSessionTicket }

    mutating func appendToHeader(_ byte: UInt8) {
        if headerCount > 0 { rest = rest << 8 | Int(byte) }
        headerCount += 1
    }
}

extension RecordKeys {
    /// Whether `record` opens as the next one; then its content, type and padding are in `output`.
    mutating func decrypt(_ record: ByteView, into output: MutableByteView) -> Bool {
        let count = record.count - RecordHeader.size - RecordHeader.tag
        // The tag protects at least the type; OpenSSL is not called for less.
        guard count > 0, let context = context() else { return false }
        precondition(output.count >= count, "the content may be as long as the record")
        let header = unsafe record.octets.unsafelyUnwrapped
        let body = unsafe header + RecordHeader.size
        let plain = unsafe output.octets.unsafelyUnwrapped
        let isOpened = BytesOfValues.with(nonce) { nonce in
            unsafe context.beginOpening(nonce) && context.update(nil, header, RecordHeader.size)
                && context.update(plain, body, count) && context.finishOpening(body + count, RecordHeader.tag)
        }
        if !isOpened { ERR_clear_error() }
        return isOpened
    }
}
