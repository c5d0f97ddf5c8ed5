import Memory

/// A request body on its way to the extension: the read-ahead, and the data for ReadClient.
@safe
struct BodyIntake: ~Copyable {
    private enum Source: BitwiseCopyable {
        case open, ended, failed
    }

    /// The result of a ReadClient call at this moment.
    enum Answer: BitwiseCopyable, Equatable {
        /// This many bytes were copied; 0 is the body's end.
        case bytes(Int)
        case failed
        /// No data has arrived yet; the worker has to read.
        case wait
    }

    private var source = Source.ended
    private(set) var readAhead = ByteBuffer()
    /// Bytes that were received for a read and did not fit its buffer.
    private var surplus = ByteBuffer()
    private var surplusStart = 0
    /// The buffer of the waiting call, and how many bytes of it are filled.
    private var reader: MutableByteView?
    private var readerFill = 0

    /// Bytes of the body that an extension receives before it reads.
    static let readAheadLimit = 48 << 10

    var hasReader: Bool { reader != nil }
    /// Whether the worker has to read more of the body.
    var isWanted: Bool { isOpen && reader != nil && readerFill == 0 }
    var readAheadCount: Int { readAhead.count }
    var isOpen: Bool { if case .open = source { true } else { false } }

    /// Whether ReadClient can still return data.
    var hasMore: Bool { isOpen || surplus.count > surplusStart }

    /// What the extension has not read, including the read-ahead in its control block.
    var unreadBytes: [UInt8] {
        Array(readAhead.bytes) + Array(surplus.slice(surplusStart..<surplus.count))
    }

    mutating func begin(hasBody: Bool) {
        source = hasBody ? .open : .ended
    }

    mutating func reset() {
        source = .ended
        readAhead.removeAll()
        surplus.removeAll()
        surplusStart = 0
        reader = nil
        readerFill = 0
    }

    /// Appends as much as fits below the limit; returns the number of bytes taken.
    mutating func appendReadAhead(_ bytes: ByteView) -> Int {
        let count = min(bytes.count, Self.readAheadLimit - readAhead.count)
        readAhead.append(bytes[..<count])
        return count
    }

    /// The read-ahead, with a NUL after it.
    mutating func readAheadText() -> UnsafeMutableRawPointer {
        readAhead.reserve(1)[0] = 0
        return unsafe UnsafeMutableRawPointer(mutating: readAhead.bytes.baseAddress!)
    }

    /// Copies the available bytes, or registers `buffer` to be filled; a result other than `wait` ends the
    /// registration.
    mutating func read(into buffer: MutableByteView) -> Answer {
        if readerFill > 0 {
            let count = readerFill
            endRead()
            return .bytes(count)
        }
        let available = surplus.count - surplusStart
        if available > 0 {
            let count = min(available, buffer.count)
            buffer.copy(surplus.slice(surplusStart..<(surplusStart + count)))
            surplusStart += count
            if surplusStart == surplus.count {
                surplus.removeAll(keepingUpTo: Self.readAheadLimit)
                surplusStart = 0
            }
            return .bytes(count)
        }
        switch source {
        case .ended:
            endRead()
            return .bytes(0)
        case .failed:
            endRead()
            return .failed
        case .open:
            if reader == nil { reader = buffer }
            return .wait
        }
    }

    /// The waiting call returns; its buffer is not accessed any more.
    mutating func endRead() {
        reader = nil
        readerFill = 0
    }

    /// Bytes from the connection: copied to the waiting buffer, the rest is kept for the next read.
    mutating func supply(_ bytes: ByteView) {
        var rest = bytes
        if let reader = reader, surplus.isEmpty {
            let count = min(rest.count, reader.count - readerFill)
            let room = reader[readerFill...]
            room.copy(rest[..<count])
            readerFill += count
            rest = rest[count...]
        }
        surplus.append(rest)
    }

    mutating func end() { source = .ended }
    mutating func fail() { source = .failed }
}
