import HTTP

/// Which responses of a route are compressed, and how.
package struct CompressionSettings: Sendable, Equatable {
    /// From 1, the fastest, to 9, the smallest.
    package var level = 5
    /// Bytes; a shorter body fits one packet anyway.
    package var minimumSize = 1 << 10
    package var types = MediaTypePatterns.compressible
    /// In order of preference, for clients that give several the same weight.
    package var codings = ContentCoding.available

    package init() {}
}

extension ContentCoding {
    /// The codings that this build supports, the preferred one first.
    package static var available: [ContentCoding] {
        var codings: [ContentCoding] = [.gzip, .deflate]
        #if Zstd
            codings.insert(.zstd, at: 0)
        #endif
        #if Brotli
            codings.insert(.brotli, at: 0)
        #endif
        return codings
    }
}
