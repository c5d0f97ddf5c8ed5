import CLinux
import Glibc

/// Part of a response body that lies ready: in memory that stays where it is, or in a file.
@safe
struct BodySource: BitwiseCopyable {
    @safe
    private enum Place: BitwiseCopyable {
        case memory(UnsafeRawPointer)
        case file(Int32)
    }

    /// What an attempt to read came to.
    enum Outcome {
        case bytes(Int)
        /// The bytes are on the disk and not in memory.
        case absent
        /// The file is shorter than it was, or cannot be read.
        case ended
    }

    private let place: Place
    private(set) var offset: UInt64
    private(set) var count: UInt64

    init(_ bytes: UnsafeRawBufferPointer) {
        place = unsafe .memory(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!)
        offset = 0
        count = UInt64(bytes.count)
    }

    init(descriptor: Int32, offset: UInt64, count: UInt64) {
        place = .file(descriptor)
        self.offset = offset
        self.count = count
    }

    /// The descriptor of a file; nil for memory.
    var file: Int32? {
        if case .file(let descriptor) = place { return descriptor }
        return nil
    }

    /// The next bytes in memory, up to `limit`; nil for a file.
    func bytes(upTo limit: Int) -> UnsafeRawBufferPointer? {
        guard case .memory(let start) = place else { return nil }
        return unsafe UnsafeRawBufferPointer(start: start + Int(offset), count: min(limit, Int(clamping: count)))
    }

    mutating func skip(_ bytes: Int) {
        offset += UInt64(bytes)
        count -= UInt64(bytes)
    }

    /// Copies the next bytes without waiting for a disk.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        if let bytes = unsafe bytes(upTo: buffer.count) {
            unsafe buffer.copyMemory(from: bytes)
            return .bytes(bytes.count)
        }
        guard let file else { return .ended }
        let wanted = UInt(min(UInt64(buffer.count), count))
        while true {
            let got = unsafe CLinux_pread_nowait(file, buffer.baseAddress, wanted, offset)
            if got > 0 { return .bytes(got) }
            guard got < 0 else { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .absent
            // A file system that cannot say what is in memory.
            case EOPNOTSUPP: return unsafe readWaiting(into: buffer, upTo: Int(wanted))
            default: return .ended
            }
        }
    }

    private func readWaiting(into buffer: UnsafeMutableRawBufferPointer, upTo wanted: Int) -> Outcome {
        guard let file else { return .ended }
        let got = unsafe pread(file, buffer.baseAddress, wanted, off_t(offset))
        return got > 0 ? .bytes(got) : .ended
    }

    /// Whether the next byte of a file can be had without waiting for a disk, as far as the file system can tell.
    var isPresent: Bool {
        guard let file else { return true }
        var byte: UInt8 = 0
        return unsafe CLinux_pread_nowait(file, &byte, 1, offset) >= 0 || errno != EAGAIN
    }
}
