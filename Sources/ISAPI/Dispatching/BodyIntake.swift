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
    private var readAhead = ByteBuffer()
    /// Bytes that were received for a read and did not fit its buffer.
    private var surplus = ByteBuffer()
    private var surplusStart = 0
    /// The buffer of the waiting call, and how many bytes of it are filled.
    private var reader: UnsafeMutableRawBufferPointer?
    private var readerFill = 0

    /// Bytes of the body that an extension receives before it reads.
    static let readAheadLimit = 48 << 10

    var hasReader: Bool { unsafe reader != nil }
    /// Whether the worker has to read more of the body.
    var isWanted: Bool { unsafe isOpen && reader != nil && readerFill == 0 }
    var readAheadCount: Int { readAhead.count }
    var isOpen: Bool { if case .open = source { true } else { false } }

    /// Whether ReadClient can still return data.
    var hasMore: Bool { isOpen || surplus.count > surplusStart }

    /// What the extension has not read, including the read-ahead in its control block.
    var unreadBytes: [UInt8] {
        unsafe Array(readAhead.bytes) + Array(surplus.slice(surplusStart..<surplus.count))
    }

    mutating func begin(hasBody: Bool) {
        source = hasBody ? .open : .ended
    }

    mutating func reset() {
        source = .ended
        readAhead.removeAll()
        surplus.removeAll()
        surplusStart = 0
        unsafe reader = nil
        readerFill = 0
    }

    /// Appends as much as fits below the limit; returns the number of bytes taken.
    mutating func appendReadAhead(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, Self.readAheadLimit - readAhead.count)
        unsafe readAhead.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        return count
    }

    /// The read-ahead, with a NUL after it.
    mutating func readAheadText() -> UnsafeMutableRawPointer {
        unsafe readAhead.reserve(1).storeBytes(of: 0, as: UInt8.self)
        return unsafe UnsafeMutableRawPointer(mutating: readAhead.bytes.baseAddress!)
    }

    /// Copies the available bytes, or registers `buffer` to be filled; a result other than `wait` ends the
    /// registration.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Answer {
        if readerFill > 0 {
            let count = readerFill
            endRead()
            return .bytes(count)
        }
        let available = surplus.count - surplusStart
        if available > 0 {
            let count = min(available, buffer.count)
            unsafe buffer.copyMemory(from: surplus.slice(surplusStart..<(surplusStart + count)))
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
            if unsafe reader == nil { unsafe reader = buffer }
            return .wait
        }
    }

    /// The waiting call returns; its buffer is not accessed any more.
    mutating func endRead() {
        unsafe reader = nil
        readerFill = 0
    }

    /// Bytes from the connection: copied to the waiting buffer, the rest is kept for the next read.
    mutating func supply(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes
        if let reader = unsafe reader, surplus.isEmpty {
            let count = min(rest.count, reader.count - readerFill)
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: reader[readerFill...])
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            readerFill += count
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        unsafe surplus.append(rest)
    }

    mutating func end() { source = .ended }
    mutating func fail() { source = .failed }
}
