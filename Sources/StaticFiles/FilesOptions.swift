/// How a route serves the files of a folder.
package struct FilesOptions: Sendable, Equatable {
    /// The absolute path of the folder.
    package var root: String
    /// Names of files that are sent for their folder, tried in this order.
    package var index = ["index.html"]
    /// Whether a folder without an index is listed.
    package var listsFolders = false
    /// Codings of precompressed variants.
    package var precompressed: [PrecompressedCoding] = []
    /// The value of Cache-Control.
    package var cacheControl: String?
    /// The path, relative to the root, of the file that is served in place of one that does not exist.
    package var fallback: String?
    package var servesHidden = false
    /// Whether symbolic links are followed, as long as they stay beneath the root.
    package var followsLinks = false
    /// The part of the path, without a slash at its end, that is not part of a file's name.
    package var strippedPrefix = ""
    /// Bytes that no path of the route may have, besides control bytes.
    package var forbiddenBytes: [UInt8] = []

    package init(root: String) {
        self.root = root
    }
}
