import CPoolProtocol
import Transport
import Memory

/// The process has ended, or has broken the protocol, which ends it.
enum HostFailure: Error {
    case gone
    case violation
}

/// The numbers of the protocol's messages that Swift does not import as constants of their type.
enum HostMessageType {
    static let hello = UInt16(POOL_HELLO), descriptors = UInt16(POOL_DESCRIPTORS), ping = UInt16(POOL_PING)
    static let terminate = UInt16(POOL_TERMINATE), stop = UInt16(POOL_STOP)
    static let look = UInt16(POOL_LOOK), stack = UInt16(POOL_STACK)
    static let loaded = UInt16(POOL_LOADED), refused = UInt16(POOL_REFUSED)
    static let ready = UInt16(POOL_READY), notice = UInt16(POOL_NOTICE)
    static let pong = UInt16(POOL_PONG), terminated = UInt16(POOL_TERMINATED)
    static let crashed = UInt16(POOL_CRASHED)
    static let run = UInt16(POOL_RUN), complete = UInt16(POOL_COMPLETE)
    static let reply = UInt16(POOL_REPLY)
    static let getVariable = UInt16(POOL_GET_VARIABLE), write = UInt16(POOL_WRITE)
    static let writeAsync = UInt16(POOL_WRITE_ASYNC), read = UInt16(POOL_READ)
    static let support = UInt16(POOL_SUPPORT), synchronize = UInt16(POOL_SYNCHRONIZE)
    static let returned = UInt16(POOL_RETURN)
}

/// A message that a process sent; its payload and files are valid until the channel receives the next one.
@safe
struct HostMessage {
    let header: pool_header
    let payload: ByteView
    var files: [OpenFile] = []
    private var position = 0

    init(_ header: pool_header, _ payload: ByteView) {
        self.header = header
        self.payload = payload
    }

    var needsReply: Bool { header.flags & UInt16(POOL_NO_REPLY) == 0 }

    /// Whether every item was read.
    var isAtEnd: Bool { position == payload.count }

    /// The next four bytes.
    mutating func word() throws(HostFailure) -> UInt32 {
        guard payload.count - position >= 4 else { throw .violation }
        defer { position += 4 }
        return payload.load(at: position, as: UInt32.self)
    }

    /// The next item; nil if it stands for NULL.
    mutating func item() throws(HostFailure) -> ByteView? {
        let count = try word()
        if count == POOL_NULL { return nil }
        let padded = (Int(count) + 3) & ~3
        guard padded <= payload.count - position else { throw .violation }
        defer { position += padded }
        return payload[position..<position + Int(count)]
    }

    /// The next item, which has to be a structure of the protocol.
    mutating func structure<Value: BitwiseCopyable>(_ type: Value.Type) throws(HostFailure) -> Value {
        guard let bytes = try item(), bytes.count == MemoryLayout<Value>.size else { throw .violation }
        return unsafe bytes.raw.loadUnaligned(as: Value.self)
    }

    /// The next of the files.
    mutating func file() throws(HostFailure) -> OpenFile {
        guard !files.isEmpty else { throw .violation }
        return files.removeFirst()
    }
}
