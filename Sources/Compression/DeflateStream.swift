import CZlib
import HTTP
import Memory

/// gzip or deflate by zlib, for bodies that come in pieces.
@safe
final class DeflateStream: CodingStream {
    /// Allocated at a fixed address: zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// A window of 32 KiB with its tables, as zlib's documentation counts them.
    static let memory = (1 << 17) + (1 << 17) + (6 << 10)

    private static let windowBits: Int32 = 15
    /// Added to the window bits to select a gzip header and trailer.
    private static let gzipFormat: Int32 = 16
    private static let memoryLevel: Int32 = 8

    /// Nil if there is not enough memory.
    init?(coding: ContentCoding, level: Int) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let bits = coding == .gzip ? Self.windowBits + Self.gzipFormat : Self.windowBits
        let outcome = unsafe CZlib_deflateInit2(stream, Int32(level), bits, Self.memoryLevel)
        super.init(coding: coding, level: level, memory: Self.memory)
        guard outcome == Z_OK else { return nil }
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    override func code(
        _ input: ByteView, _ step: CodingStep, into room: MutableByteView
    ) -> CodingProgress {
        // zlib counts input in 32 bits.
        let offered = min(input.count, 1 << 30)
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(offered)
        unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(room.count)
        let flush =
            switch step {
            case _ where offered < input.count: Z_NO_FLUSH
            case .collect: Z_NO_FLUSH
            case .flush: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        let outcome = unsafe deflate(stream, flush)
        let left = unsafe Int(stream.pointee.avail_in)
        let free = unsafe Int(stream.pointee.avail_out)
        let isDrained = step == .finish ? outcome == Z_STREAM_END : left == 0 && free > 0
        return CodingProgress(
            consumed: offered - left, produced: room.count - free, isDone: isDrained && offered == input.count)
    }

    override func reset() -> Bool {
        unsafe deflateReset(stream) == Z_OK
    }
}
