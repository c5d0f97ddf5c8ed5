import COpenSSL

/// Opens the records that one side of a TLS 1.3 connection receives behind the handshake, and obeys what they say about
/// the records that follow (RFC 8446 §4.6, §5, §6).
@safe
struct RecordOpener: ~Copyable {
    enum Role {
        case server
        case client
    }

    /// What a record came to.
    enum Step: Equatable {
        /// This many bytes of application data lie at the beginning of the output.
        case data(Int)
        /// Nothing for the application.
        case nothing
        /// The peer goes on with new keys.
        case keyUpdate(isAnswerWanted: Bool)
        /// A server's ticket, or a part of one.
        case ticket
        /// close_notify: nothing follows.
        case closed
        /// The peer has given the connection up, by an alert of this number.
        case ended(UInt8)
        /// The connection is to be given up by this alert.
        case refused(Alert)
    }

    /// What received bytes begin with.
    enum Frame: Equatable {
        case incomplete
        /// A whole record of this length, header included, or one that will be.
        case record(Int)
        case refused(Alert)
    }

    /// How many records without content may follow each other; OpenSSL allows as many.
    static let mostEmptyRecords = 32
    /// How many messages about keys may follow each other without application data between them.
    static let mostKeyUpdates = 128
    /// The longest ticket, header included (RFC 8446 §4.6.1).
    private static let longestTicket = 4 + 4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65535

    private var keys: RecordKeys
    private let role: Role
    /// The most content of one record, in bytes.
    private let contentLimit: Int
    private let recordLimit: UInt32
    private var message = MessageFrame()
    private var emptyRecords = 0
    private var keyUpdates = 0
    private var hasAskedForUpdate = false

    /// - Parameters:
    ///   - role: ours.
    ///   - contentLimit: what was negotiated (RFC 6066 §4).
    ///   - recordLimit: after how many records of one key `isUpdateWanted`.
    init(
        _ keys: consuming RecordKeys, as role: Role, contentLimit: Int = RecordSealer.mostContent,
        recordLimit: UInt32 = RecordSealer.mostRecords
    ) {
        self.keys = keys
        self.role = role
        self.contentLimit = contentLimit
        self.recordLimit = recordLimit
    }

    /// Forgets all keys; nothing can be opened behind it.
    mutating func forget() {
        keys.forget()
    }

    /// Whether the peer should be asked for new keys, since these have opened as many records as they should; once.
    mutating func takeUpdateWish() -> Bool {
        guard keys.sequence >= recordLimit, !hasAskedForUpdate else { return false }
        hasAskedForUpdate = true
        return true
    }

    /// How long the record is that `input` begins with.
    static func frame(_ input: UnsafeRawBufferPointer) -> Frame {
        guard input.count >= RecordHeader.size else { return .incomplete }
        let header = unsafe RecordHeader(input)
        // All that is in clear has its place in the handshake, change_cipher_spec too (RFC 8446 §5).
        guard header.type == ContentType.applicationData.rawValue else { return .refused(.unexpectedMessage) }
        guard header.length <= RecordHeader.mostProtected else { return .refused(.recordOverflow) }
        return .record(RecordHeader.size + header.length)
    }

    /// Opens one record.
    ///
    /// - Parameters:
    ///   - record: whole, as `frame` measured it.
    ///   - output: with room for `record.count - RecordHeader.size - RecordHeader.tag` bytes; the record's own place
    ///     behind its header, or one that has nothing in common with the record.
    mutating func open(_ record: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Step {
        // A quarter more than we ask for still is less than 2^24.5 (RFC 8446 §5.5).
        guard keys.sequence < recordLimit + recordLimit / 4 else { return .refused(.internalError) }
        guard unsafe keys.decrypt(record, into: output) else { return .refused(.badRecordMAC) }
        keys.count()
        var count = record.count - RecordHeader.size - RecordHeader.tag
        guard count <= RecordSealer.mostContent + 1 else { return .refused(.recordOverflow) }
        // The type is the last byte that is not padding.
        while count > 0, unsafe output.load(fromByteOffset: count - 1, as: UInt8.self) == 0 { count -= 1 }
        guard count > 0 else { return .refused(.unexpectedMessage) }
        let type = unsafe ContentType(rawValue: output.load(fromByteOffset: count - 1, as: UInt8.self))
        let content = unsafe UnsafeRawBufferPointer(start: output, count: count - 1)
        guard content.count <= contentLimit else { return .refused(.recordOverflow) }
        switch type {
        case .applicationData: return readData(content.count)
        case .handshake: return unsafe readMessages(content)
        case .alert: return unsafe readAlert(content)
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

    private mutating func readAlert(_ content: UnsafeRawBufferPointer) -> Step {
        guard content.count > 0 else { return .refused(.unexpectedMessage) }
        guard content.count == 2 else { return .refused(.decodeError) }
        // The level means nothing (RFC 8446 §6).
        switch unsafe Alert(rawValue: content[1]) {
        case .closeNotify: return .closed
        case .userCanceled:
            emptyRecords += 1
            return emptyRecords <= Self.mostEmptyRecords ? .nothing : .refused(.unexpectedMessage)
        default: return unsafe .ended(content[1])
        }
    }

    private mutating func readMessages(_ content: UnsafeRawBufferPointer) -> Step {
        guard content.count > 0 else { return .refused(.unexpectedMessage) }
        keyUpdates += 1
        guard keyUpdates <= Self.mostKeyUpdates else { return .refused(.unexpectedMessage) }
        var offset = 0
        var step = Step.nothing
        while offset < content.count {
            guard message.isHeaderWhole else {
                if let alert = unsafe readHeaderByte(content[offset]) { return .refused(alert) }
                offset += 1
                continue
            }
            switch message.type {
            case .keyUpdate:
                let request = unsafe content[offset]
                guard request <= 1 else { return .refused(.illegalParameter) }
                // What follows has to be protected by the new keys (RFC 8446 §5.1).
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

    /// - Returns: the alert to refuse a message with that begins so.
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
        // Two numbers, an empty nonce, a ticket of one byte and no extensions are the least.
        case .newSessionTicket: return (14...Self.longestTicket - 4).contains(message.rest) ? nil : .decodeError
        }
    }
}

/// How much is known of a handshake message that may come in several records.
private struct MessageFrame {
    /// What may come behind the handshake.
    enum MessageType: UInt8 {
        case newSessionTicket = 4
        case keyUpdate = 24
    }

    var type = MessageType.keyUpdate
    private(set) var headerCount: UInt8 = 0
    /// Of the message, in bytes; its whole length until some of it has come.
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
    /// Whether `record` opens as the next one; then its content, type and padding lie in `output`.
    mutating func decrypt(_ record: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Bool {
        let count = record.count - RecordHeader.size - RecordHeader.tag
        // A tag protects the type at least; OpenSSL is not asked about less.
        guard count > 0, let context = unsafe context(), let start = record.baseAddress else { return false }
        let header = unsafe start.assumingMemoryBound(to: UInt8.self)
        let body = unsafe header + RecordHeader.size
        let plain = unsafe output.assumingMemoryBound(to: UInt8.self)
        var done: Int32 = 0
        let isOpened = unsafe withUnsafeBytes(of: nonce) { nonce in
            unsafe EVP_DecryptInit_ex2(
                context, nil, nil, nonce.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
                && EVP_DecryptUpdate(context, nil, &done, header, Int32(RecordHeader.size)) == 1
                && EVP_DecryptUpdate(context, plain, &done, body, Int32(count)) == 1
                && COpenSSL_CIPHER_CTX_set_tag(context, body + count, RecordHeader.tag) == 1
                && EVP_DecryptFinal_ex(context, plain + count, &done) == 1
        }
        if !isOpened { ERR_clear_error() }
        return isOpened
    }
}
