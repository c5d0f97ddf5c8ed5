import CLinux
import Glibc
import Memory
import Transport

/// A part of a response body that is available in full: in memory that is not moved, or in a file.
@safe
struct BodySource {
    @safe
    private enum Place {
        case memory(UnsafeRawPointer)
        case file(OpenFile)
        /// A file that is mapped into memory.
        case mapped(OpenFile, FileMapping)
    }

    /// The result of an attempt to read.
    enum Outcome {
        case bytes(Int)
        /// The bytes are on the disk and not in memory.
        case absent
        /// The file has been truncated, or cannot be read.
        case ended
    }

    private var place: Place
    private(set) var offset: UInt64
    private(set) var count: UInt64
    /// The bytes before this offset have been read from the disk, whether or not the system reports that they are in
    /// memory.
    private var loadedEnd: UInt64 = 0
    /// The bytes before this offset were found in memory since the last wait.
    private var presentEnd: UInt64 = 0

    init(_ bytes: ByteView) {
        place = unsafe .memory(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!)
        offset = 0
        count = UInt64(bytes.count)
    }

    init(_ file: OpenFile, offset: UInt64, count: UInt64) {
        place = .file(file)
        self.offset = offset
        self.count = count
    }

    /// Nil for memory.
    var file: OpenFile? {
        switch place {
        case .memory: nil
        case .file(let file), .mapped(let file, _): file
        }
    }

    /// The next bytes in memory, up to `limit`; nil for a file.
    func bytes(upTo limit: Int) -> ByteView? {
        guard case .memory(let start) = place else { return nil }
        return unsafe ByteView(start: start + Int(offset), count: min(limit, Int(clamping: count)))
    }

    /// Whether the bytes can be used where they are: those of memory and of a mapped file.
    var isAddressable: Bool {
        if case .file = place { return false }
        return true
    }

    var mapping: FileMapping? {
        guard case .mapped(_, let mapping) = place else { return nil }
        return mapping
    }

    /// The next bytes of a mapped file, up to `limit`; nil for anything else.
    func piece(upTo limit: Int) -> MappedPiece? {
        guard case .mapped(let file, let mapping) = place else { return nil }
        let start = Int(offset)
        return MappedPiece(mapping, of: file, start..<start + min(limit, Int(count)))
    }

    /// Maps the file, if it is requested often.
    mutating func map(by mappings: FileMappings) {
        guard case .file(let file) = place,
            let mapping = mappings.mapping(of: file, for: offset..<offset + count)
        else { return }
        place = .mapped(file, mapping)
    }

    /// Prepares for going on after a wait: returns to reading if the file has changed since it was mapped, and forgets
    /// what was in memory.
    mutating func resume() {
        presentEnd = offset
        if case .mapped(let file, let mapping) = place, !mapping.isCurrent(file) {
            place = .file(file)
        }
    }

    /// Records that the next bytes have been read from the disk, so that their presence is not checked again.
    mutating func noteLoaded(_ bytes: Int) {
        loadedEnd = offset + UInt64(bytes)
    }

    /// Whether the next bytes of memory or of a mapped file, up to `limit`, can be read without waiting for a disk, as
    /// far as the system reports; if so, they are not checked again before `resume`.
    mutating func checkPresence(upTo limit: Int) -> Bool {
        if case .memory = place { return true }
        if offset < max(loadedEnd, presentEnd) { return true }
        // The last bytes before `presentEnd` may be sent together with some that follow.
        guard let piece = piece(upTo: limit + Self.margin), piece.isPresent else { return false }
        presentEnd = offset + UInt64(limit)
        return true
    }

    private static var margin: Int { 64 << 10 }

    private func isPresent(_ piece: MappedPiece) -> Bool {
        offset < max(loadedEnd, presentEnd) || piece.isPresent
    }

    mutating func skip(_ bytes: Int) {
        offset += UInt64(bytes)
        count -= UInt64(bytes)
    }

    /// Copies the next bytes without waiting for a disk.
    func read(into buffer: MutableByteView) -> Outcome {
        if let bytes = bytes(upTo: buffer.count) {
            buffer.copy(bytes)
            return .bytes(bytes.count)
        }
        if let piece = piece(upTo: buffer.count) {
            guard isPresent(piece) else { return .absent }
            buffer.copy(piece.bytes)
            return piece.isIntact ? .bytes(piece.bytes.count) : .ended
        }
        guard let file else { return .ended }
        let wanted = UInt(min(UInt64(buffer.count), count))
        while true {
            let got = file.use { unsafe CLinux_pread_nowait($0, buffer.baseAddress, wanted, offset) }
            if got > 0 { return .bytes(got) }
            guard got < 0 else { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .absent
            // The file system cannot report what is in memory.
            case EOPNOTSUPP: return readWaiting(into: buffer, upTo: Int(wanted))
            default: return .ended
            }
        }
    }

    private func readWaiting(into buffer: MutableByteView, upTo wanted: Int) -> Outcome {
        guard let file else { return .ended }
        let got = file.use { unsafe pread($0, buffer.baseAddress, wanted, off_t(offset)) }
        return got > 0 ? .bytes(got) : .ended
    }

    /// Whether the next byte of a file can be read without waiting for a disk, as far as the file system reports.
    var isPresent: Bool {
        guard let file else { return true }
        var byte: UInt8 = 0
        return file.use { unsafe CLinux_pread_nowait($0, &byte, 1, offset) } >= 0 || errno != EAGAIN
    }
}
