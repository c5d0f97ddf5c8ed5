import CLinux
import Glibc
import Transport

/// Bytes that are buffered until all of them are available: in memory up to a limit, beyond it in an unnamed file that
/// exists as long as its descriptor.
@safe
package final class Spool {
    package private(set) var count = 0
    private let limits: Limits
    private var memory: UnsafeMutableRawBufferPointer
    /// Nil while everything is in memory.
    private var file: OpenFile?

    package struct Limits: Sendable, Equatable {
        /// The maximum number of bytes in memory.
        package var memory: Int
        /// The maximum number of bytes in total.
        package var total: Int
        /// The directory of the file, as an absolute path.
        package var folder: String

        package init(memory: Int, total: Int = .max, folder: String) {
            self.memory = memory
            self.total = total
            self.folder = folder
        }
    }

    package enum Failure: Error, Equatable {
        case tooLarge
        /// The file could not be created, or is out of space: an error number of the system.
        case system(Int32)
    }

    /// The initial capacity; more is allocated when needed.
    private static let initialCapacity = 16 << 10

    package init(_ limits: Limits) {
        self.limits = limits
        unsafe memory = .allocate(byteCount: min(Self.initialCapacity, max(limits.memory, 1)), alignment: 16)
    }

    deinit {
        unsafe memory.deallocate()
    }

    package func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard bytes.count <= limits.total - count else { throw .tooLarge }
        if file == nil, count + bytes.count <= limits.memory {
            reserve(count + bytes.count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
        } else {
            if file == nil { file = try heldInFile() }
            if let file { try unsafe write(bytes, to: file, at: count) }
        }
        count += bytes.count
    }

    private func reserve(_ wanted: Int) {
        guard unsafe wanted > memory.count else { return }
        let capacity = unsafe min(limits.memory, max(wanted, memory.count * 2))
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        unsafe memory.deallocate()
        unsafe memory = larger
    }

    /// A file to which the bytes in memory have been written.
    private func heldInFile() throws(Failure) -> OpenFile {
        let file = unsafe OpenFile(adopting: CLinux_open_unnamed(limits.folder))
        guard file.isOpen else { throw .system(errno) }
        try unsafe write(UnsafeRawBufferPointer(rebasing: memory[..<count]), to: file, at: 0)
        unsafe memory.deallocate()
        unsafe memory = .allocate(byteCount: 0, alignment: 16)
        return file
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let result = unsafe pwrite(
                file.number, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
            guard result >= 0 || errno == EINTR else { throw .system(errno) }
            written += max(result, 0)
        }
    }

    /// The bytes from `offset` on, valid until more are appended; nil if they are in a file.
    fileprivate func bytes(from offset: Int) -> UnsafeRawBufferPointer? {
        guard file == nil else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: memory[offset..<count])
    }

    /// Copies bytes from `offset` on, as many as `room` has space for.
    package func read(from offset: Int, into room: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        let wanted = min(room.count, count - offset)
        guard let file else {
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[offset..<offset + wanted]))
            return wanted
        }
        while true {
            let result = unsafe pread(file.number, room.baseAddress, wanted, off_t(offset))
            if result > 0 || wanted == 0 { return result }
            guard result < 0, errno == EINTR else { throw .system(result == 0 ? EIO : errno) }
        }
    }
}

extension Exchange {
    /// Reads the rest of the body into `spool`; returns the error that prevented this, if any.
    package func collectBody(into spool: Spool) async throws(ExchangeFailure) -> Spool.Failure? {
        while let piece = unsafe try await readBody() {
            do throws(Spool.Failure) {
                try unsafe spool.append(piece)
            } catch {
                return error
            }
        }
        return nil
    }

    /// Makes `readBody` return the content of `spool`, which is the whole body.
    package func replayBody(from spool: Spool) {
        unsafe storage.pointee.endDecoding()
        unsafe storage.pointee.bodyDecoder = SpooledBody(spool)
    }

    /// Sends the buffered bytes as part of the body, waiting while the client is slow; false if they could not be read.
    package func send(_ spool: Spool) async throws(ExchangeFailure) -> Bool {
        try await spool.send(to: self)
    }
}

extension Spool {
    fileprivate func send(to exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        if let file { return try await exchange.sendFile(file, from: 0, count: UInt64(count)) }
        try await unsafe exchange.send(UnsafeRawBufferPointer(rebasing: memory[..<count]))
        return true
    }
}

/// A buffered body that is passed to the handler.
@safe
private final class SpooledBody: BodyDecoder {
    private let spool: Spool
    private var offset = 0
    /// The buffer into which parts of a file are read; not allocated before it is needed.
    private var room = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    private static let roomSize = 32 << 10

    init(_ spool: Spool) {
        self.spool = spool
    }

    deinit {
        unsafe room.deallocate()
    }

    var hasEnded: Bool { offset == spool.count }
    var remaining: UInt64? { UInt64(spool.count - offset) }

    func supply(_ bytes: UnsafeRawBufferPointer) {
        preconditionFailure("the body was collected whole")
    }

    func next() throws(RequestRejection) -> UnsafeRawBufferPointer? {
        guard !hasEnded else { return nil }
        if let bytes = unsafe spool.bytes(from: offset) {
            offset += bytes.count
            return unsafe bytes
        }
        if unsafe room.isEmpty { unsafe room = .allocate(byteCount: Self.roomSize, alignment: 16) }
        do throws(Spool.Failure) {
            let count = try unsafe spool.read(from: offset, into: room)
            offset += count
            return unsafe UnsafeRawBufferPointer(rebasing: room[..<count])
        } catch {
            throw .bodyNotHeld
        }
    }

    func finish() {}
    func release() {}
}
