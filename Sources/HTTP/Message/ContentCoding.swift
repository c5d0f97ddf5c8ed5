/// A coding of a message's content (RFC 9110 §8.4.1, IANA HTTP Content Coding Registry).
package enum ContentCoding: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case gzip
    /// The zlib format (RFC 1950), in spite of its name.
    case deflate
    case brotli, zstd

    /// The name in Accept-Encoding and Content-Encoding.
    package var token: StaticString {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        case .brotli: "br"
        case .zstd: "zstd"
        }
    }
}
