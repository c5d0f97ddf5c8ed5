/// A folder whose files a route serves.
package struct FilesConfiguration: Sendable, Equatable {
    /// An absolute path.
    package var root: String
    /// Names of files that are sent for their folder, tried in this order.
    package var index = ["index.html"]
    /// Whether a folder without such a file is listed.
    package var listing = false
    /// Codings of precompressed variants that are searched beside a file.
    package var precompressed: [Precompression] = []
    /// The value of Cache-Control.
    package var cacheControl: String?
    /// A path relative to the root: the file that is served in place of one that does not exist.
    package var fallback: String?
    /// Whether names that begin with a dot, and backup files, are served.
    package var hidden = false
    /// Whether symbolic links are followed that stay beneath the root.
    package var followSymlinks = false
    /// The part of the path that is not part of a file's name; without a slash at its end.
    package var stripPrefix = ""

    package enum Precompression: Sendable, Equatable {
        case brotli, zstandard, gzip
    }
}

/// What is cached of files, by each worker unless stated otherwise.
package struct FileCacheConfiguration: Sendable, Equatable {
    /// Files, each of which may have an open descriptor.
    package var files = 1024
    /// Bytes of contents.
    package var memory = 32 << 20
    /// The largest content kept, in bytes.
    package var smallFile = 1 << 20
    /// How long a file counts as unchanged.
    package var fresh = Duration.seconds(1)
    /// Bytes of files that all workers together may map into memory; 0 for none.
    package var mapped = 128 << 20
}
