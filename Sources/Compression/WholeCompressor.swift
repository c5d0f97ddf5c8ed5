import CZlib
import HTTP
import Memory

/// gzip or deflate by libdeflate, for complete bodies: about twice as fast as zlib at the same size.
@safe
final class WholeCompressor {
    let level: Int
    private let compressor: OpaquePointer

    /// Bytes that the compressor takes at any of the levels in use, rounded up.
    static let memory = 1 << 20

    /// Nil if there is not enough memory.
    init?(level: Int) {
        guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else { return nil }
        unsafe self.compressor = compressor
        self.level = level
    }

    deinit {
        unsafe libdeflate_free_compressor(compressor)
    }

    /// The maximum number of bytes that coding `count` bytes can yield.
    func bound(_ count: Int, _ coding: ContentCoding) -> Int {
        unsafe coding == .gzip
            ? libdeflate_gzip_compress_bound(compressor, count) : libdeflate_zlib_compress_bound(compressor, count)
    }

    /// Codes `bytes` into `room`, which has `bound` bytes; returns the number of bytes written.
    func code(_ bytes: ByteView, _ coding: ContentCoding, into room: MutableByteView) -> Int {
        unsafe coding == .gzip
            ? libdeflate_gzip_compress(compressor, bytes.baseAddress, bytes.count, room.baseAddress!, room.count)
            : libdeflate_zlib_compress(compressor, bytes.baseAddress, bytes.count, room.baseAddress!, room.count)
    }
}
