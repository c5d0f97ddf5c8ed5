import CLinux
import Glibc
import Memory
import Transport

/// Bytes that are buffered until all of them are available: in memory up to a limit, beyond it in an unnamed file that
/// exists as long as its descriptor.
@safe
package final class Spool {
    package private(set) var count = 0
    private let limits: Limits
    private var memory: OwnedBytes
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
        memory = OwnedBytes(count: min(Self.initialCapacity, max(limits.memory, 1)))
    }

    package func append(_ bytes: ByteView) throws(Failure) {
        guard bytes.count <= limits.total - count else { throw .tooLarge }
        if file == nil, count + bytes.count <= limits.memory {
            reserve(count + bytes.count)
            memory.room.copy(bytes, to: count)
        } else {
            if file == nil { file = try heldInFile() }
            if let file { try write(bytes, to: file, at: count) }
        }
        count += bytes.count
    }

    private func reserve(_ wanted: Int) {
        guard wanted > memory.count else { return }
        let capacity = min(limits.memory, max(wanted, memory.count * 2))
        let larger = OwnedBytes(count: capacity)
        larger.room.copy(memory.view[..<count])
        memory = larger
    }

    /// A file to which the bytes in memory have been written.
    private func heldInFile() throws(Failure) -> OpenFile {
        let file = unsafe OpenFile(adopting: CLinux_open_unnamed(limits.folder))
        guard file.isOpen else { throw .system(errno) }
        try write(memory.view[..<count], to: file, at: 0)
        memory = OwnedBytes()
        return file
    }

    private func write(_ bytes: ByteView, to file: OpenFile, at offset: Int) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let result = unsafe pwrite(
                file.number, bytes[written...].baseAddress, bytes.count - written, off_t(offset + written))
            guard result >= 0 || errno == EINTR else { throw .system(errno) }
            written += max(result, 0)
        }
    }

    /// The bytes from `offset` on, valid until more are appended; nil if they are in a file.
    fileprivate func bytes(from offset: Int) -> ByteView? {
        guard file == nil else { return nil }
        return memory.view[offset..<count]
    }

    /// Copies bytes from `offset` on, as many as `room` has space for.
    package func read(from offset: Int, into room: MutableByteView) throws(Failure) -> Int {
        let wanted = min(room.count, count - offset)
        guard let file else {
            room.copy(memory.view[offset..<offset + wanted])
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
        while let piece = try await readBody() {
            do throws(Spool.Failure) {
                try spool.append(piece)
            } catch {
                return error
            }
        }
        return nil
    }

    /// Makes `readBody` return the content of `spool`, which is the whole body.
    package func replayBody(from spool: Spool) {
        storage.value.endDecoding()
        storage.value.bodyDecoder = SpooledBody(spool)
    }

    /// Sends the buffered bytes as part of the body, waiting while the client is slow; false if they could not be read.
    package func send(_ spool: Spool) async throws(ExchangeFailure) -> Bool {
        try await spool.send(to: self)
    }
}

extension Spool {
    fileprivate func send(to exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        if let file { return try await exchange.sendFile(file, from: 0, count: UInt64(count)) }
        try await exchange.send(memory.view[..<count])
        return true
    }
}

/// A buffered body that is passed to the handler.
@safe
private final class SpooledBody: BodyDecoder {
    private let spool: Spool
    private var offset = 0
    /// The buffer into which parts of a file are read; not allocated before it is needed.
    private var room = OwnedBytes()

    private static let roomSize = 32 << 10

    init(_ spool: Spool) {
        self.spool = spool
    }

    var hasEnded: Bool { offset == spool.count }
    var remaining: UInt64? { UInt64(spool.count - offset) }

    func supply(_ bytes: ByteView) {
        preconditionFailure("the body was collected whole")
    }

    func next() throws(RequestRejection) -> ByteView? {
        guard !hasEnded else { return nil }
        if let bytes = spool.bytes(from: offset) {
            offset += bytes.count
            return bytes
        }
        if room.isEmpty { room = OwnedBytes(count: Self.roomSize) }
        do throws(Spool.Failure) {
            let count = try spool.read(from: offset, into: room.room)
            offset += count
            return room.view[..<count]
        } catch {
            throw .bodyNotHeld
        }
    }

    func finish() {}
    func release() {}
}
