import CLinux
import CPoolProtocol
import Glibc
import Memory
import Transport

/// The gateway's end of a channel to a process that runs extensions: messages over a stream socket.
///
/// Used by one thread at a time; `shutDown` may be called by any.
@safe
final class HostChannel: @unchecked Sendable {
    private let socket: OpenFile
    private var output = ByteBuffer()
    private var messageStart = 0
    private var input = ByteBuffer()
    private var inputStart = 0
    private var files: [OpenFile] = []
    /// The number of the last POOL_RUN.
    var sequence: UInt32 = 0

    /// Bytes of the buffers that are kept while extension code runs, and after that.
    private static let keptCapacity = 512 << 10
    private static let idleCapacity = 16 << 10
    private static let readSize = 16 << 10
    private static let yieldsBeforeSleep = 3

    init(_ socket: OpenFile) {
        self.socket = socket
    }

    var descriptor: OpenFile { socket }

    /// What a call has to receive or compose.
    var scratch = ByteBuffer()

    /// The channel is not used for a while: its memory is given back.
    func rest() {
        files = []
        output.removeAll(keepingUpTo: Self.idleCapacity)
        scratch.removeAll(keepingUpTo: Self.idleCapacity)
        guard inputStart == input.count else { return }
        input.removeAll(keepingUpTo: Self.idleCapacity)
        inputStart = 0
    }

    /// Ends the waiting of the thread that uses it.
    func shutDown() {
        socket.use { _ = shutdown($0, Int32(SHUT_RDWR)) }
    }

    func setReceiveTimeout(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        socket.use { number in
            _ = unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    enum WaitResult { case readable, processEnded, timedOut }

    /// Waits until something was received, or the other end is closed.
    ///
    /// - Parameter process: a descriptor of the process at the other end (pidfd_open(2)), whose children may keep the
    ///   channel open behind its end.
    func waitUntilReadable(until deadline: ContinuousClock.Instant, or process: OpenFile) -> WaitResult {
        if inputStart < input.count { return .readable }
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return .timedOut }
            let milliseconds = Int32(clamping: Int(left / .milliseconds(1)) + 1)
            var entries = [2 of pollfd](repeating: pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0))
            entries[1].fd = process.number
            let count = unsafe withUnsafeMutableBytes(of: &entries) { entries in
                unsafe poll(entries.baseAddress!.assumingMemoryBound(to: pollfd.self), 2, milliseconds)
            }
            guard count > 0 else { continue }
            return entries[0].revents != 0 ? .readable : .processEnded
        }
    }

    // MARK: Sending

    func begin(_ type: UInt16, request: UInt32 = 0, value: UInt32 = 0) {
        messageStart = output.count
        let header = pool_header(length: 0, type: type, flags: 0, request: request, value: value)
        BytesOfValues.with(header) { output.append($0) }
    }

    func append(_ bytes: ByteView) { output.append(bytes) }

    func append(word: UInt32) { output.append(word: word) }

    func appendItem(_ bytes: ByteView) { output.appendItem(bytes) }

    func appendItem(text: String) {
        text.withBytes { appendItem($0) }
    }

    func appendItem<Value: BitwiseCopyable>(structure: Value) {
        BytesOfValues.with(structure) { appendItem($0) }
    }

    func end(flags: UInt16 = 0) {
        let length = UInt32(output.count - messageStart - MemoryLayout<pool_header>.size)
        output.overwrite(at: messageStart, with: length)
        if flags != 0 {
            output.overwrite(at: messageStart + MemoryLayout<pool_header>.offset(of: \.flags)!, with: flags)
        }
    }

    /// Ends the message, which is the first that waits, and sends it with files.
    func send(files: [OpenFile]) throws(HostFailure) {
        end(flags: UInt16(files.count) << UInt16(POOL_FILES_SHIFT))
        defer { output.removeAll(keepingUpTo: Self.keptCapacity) }
        let numbers = files.map(\.number)
        let sent = socket.use { number in
            unsafe CLinux_send_packet(
                number, output.bytes.baseAddress, UInt(output.count), numbers, Int32(numbers.count), 0)
        }
        withExtendedLifetime(files) {}
        // A message without a payload is sent whole or not at all.
        guard sent == output.count else { throw .gone }
    }

    /// Ends the message and sends it.
    func send() throws(HostFailure) {
        end()
        try flush()
    }

    /// Bytes of the messages that were not sent.
    var unsentCount: Int { output.count }

    /// Sends the messages that were ended.
    func flush() throws(HostFailure) {
        var sent = 0
        defer { output.removeAll(keepingUpTo: Self.keptCapacity) }
        while sent < output.count {
            let count = socket.use { number in
                let rest = output.bytes[sent...]
                return unsafe Glibc.send(number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .gone }
            sent += count
        }
    }

    // MARK: Receiving

    /// Waits for the next message.
    func receive() throws(HostFailure) -> HostMessage {
        let size = MemoryLayout<pool_header>.size
        if inputStart == input.count {
            input.removeAll(keepingUpTo: Self.keptCapacity)
            inputStart = 0
        }
        try receive(upTo: size)
        let header = unsafe input.bytes[inputStart...].raw.loadUnaligned(as: pool_header.self)
        let fileCount = Int(header.flags >> UInt16(POOL_FILES_SHIFT))
        guard header.length <= POOL_PAYLOAD_LIMIT, fileCount <= Int(POOL_FILES) else { throw .violation }
        try receive(upTo: size + Int(header.length))
        guard files.count >= fileCount else { throw .violation }
        let start = inputStart + size
        var message = HostMessage(header, input.slice(start..<start + Int(header.length)))
        inputStart = start + Int(header.length)
        if fileCount > 0 {
            message.files = Array(files.prefix(fileCount))
            files.removeFirst(fileCount)
        }
        return message
    }

    /// Receives until `count` bytes from the start of the message on are there.
    private func receive(upTo count: Int) throws(HostFailure) {
        var yields = 0
        while input.count - inputStart < count {
            if inputStart > 0 {
                input.removeFirst(inputStart)
                inputStart = 0
            }
            let room = max(count - input.count, Self.readSize)
            let place = input.reserve(room)[..<room]
            // On a busy machine the process's thread runs meanwhile, and this one needs not be woken.
            let mayWait = yields >= Self.yieldsBeforeSleep
            yields += 1
            let got = receive(into: place, mayWait: mayWait)
            if got < 0, errno == EAGAIN, !mayWait {
                sched_yield()
                continue
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw .gone }
            input.commit(got)
        }
    }

    /// One call of recvmsg(2); files that come with the bytes are adopted.
    private func receive(into place: MutableByteView, mayWait: Bool) -> Int {
        var numbers: [64 of Int32] = InlineArray(repeating: -1)
        var count = Int32(POOL_FILES)
        let got = socket.use { number in
            unsafe withUnsafeMutableBytes(of: &numbers) { numbers in
                unsafe CLinux_receive_packet(
                    number, place.baseAddress, UInt(place.count),
                    numbers.baseAddress!.assumingMemoryBound(to: Int32.self), &count,
                    mayWait ? 0 : CLinux_MSG_DONTWAIT)
            }
        }
        guard got >= 0 else { return got }
        // More than a message may have are not kept.
        if files.count > Int(POOL_FILES) { files = [] }
        for index in 0..<Int(count) { files.append(OpenFile(adopting: numbers[index])) }
        return got
    }
}

/// The items of messages.
extension ByteBuffer {
    mutating func append(word: UInt32) {
        BytesOfValues.with(word) { append($0) }
    }

    /// - Parameter terminated: whether a NUL belongs to it.
    mutating func appendItem(_ bytes: ByteView, terminated: Bool = false) {
        let count = bytes.count + (terminated ? 1 : 0)
        append(word: UInt32(count))
        append(bytes)
        if terminated { append(0) }
        for _ in 0..<(-count & 3) { append(0) }
    }
}
