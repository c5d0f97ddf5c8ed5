import CZlib
import HTTP

/// gzip or deflate by libdeflate, for bodies that are here as a whole: about twice as fast as zlib at the same size.
@safe
final class WholeCompressor {
    let level: Int
    private let compressor: OpaquePointer

    /// Bytes that the compressor takes at any of our levels, rounded up.
    static let memory = 1 << 20

    /// Nil without memory.
    init?(level: Int) {
        guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else { return nil }
        unsafe self.compressor = compressor
        self.level = level
    }

    deinit {
        unsafe libdeflate_free_compressor(compressor)
    }

    /// Bytes that coding `count` bytes can take at most.
    func bound(_ count: Int, _ coding: ContentCoding) -> Int {
        unsafe coding == .gzip
            ? libdeflate_gzip_compress_bound(compressor, count) : libdeflate_zlib_compress_bound(compressor, count)
    }

    /// Codes `bytes` into `room`, which holds `bound` bytes; the number of bytes written.
    func code(_ bytes: UnsafeRawBufferPointer, _ coding: ContentCoding, into room: UnsafeMutableRawBufferPointer) -> Int
    {
        unsafe coding == .gzip
            ? libdeflate_gzip_compress(compressor, bytes.baseAddress, bytes.count, room.baseAddress!, room.count)
            : libdeflate_zlib_compress(compressor, bytes.baseAddress, bytes.count, room.baseAddress!, room.count)
    }
}
