import CLinux
import Glibc
import HTTP
import Memory
import Transport

/// A file that is served: its descriptor, or its content, and the field lines for it.
///
/// Used on one worker only. A response that sends from it keeps a reference to it, and to the descriptor or the
/// content, so that both stay valid when the cache evicts the file or replaces one by the other.
@safe
final class CachedFile {
    /// The route's number and the path, which together are the key.
    let route: Int
    let path: [UInt8]
    let hash: UInt64
    /// The file's name relative to the root, ended by NUL: not the path if an index or a fallback is served.
    let name: [UInt8]
    let version: FileVersion
    let type: String
    /// The tag of the file itself; for a precompressed variant, of that.
    let entityTag: [UInt8]
    /// The value of Last-Modified, in seconds since 1970.
    let modified: Int64
    /// The fields of a response with the content, or a part of it; lines ended by CRLF.
    let fields: [UInt8]
    /// As `fields`, for responses that have the type elsewhere.
    let partFields: [UInt8]
    /// The fields of 304 and 412; lines ended by CRLF.
    let validators: [UInt8]
    /// Precompressed variants of the same content, the smallest first.
    let variants: [Variant]
    /// Nil once the content is in memory.
    private(set) var file: OpenFile?
    /// The content, if the file is small enough to keep; its address does not change as long as this object lives.
    var content: ByteView? { isInMemory ? contentMemory.view : nil }
    private var contentMemory = OwnedBytes()
    private var isInMemory = false

    /// Until then the file counts as unchanged.
    var freshUntil = Deadline(milliseconds: 0)
    /// The time of its last request, in the cache's count.
    var lastUse: UInt64 = 0

    struct Variant {
        let coding: PrecompressedCoding
        let file: CachedFile
    }

    init(
        key: FileKey, name: [UInt8], opened: OpenedFile, description: FileDescription, variants: [Variant]
    ) {
        route = key.route
        path = Array(key.path)
        hash = key.hash
        self.name = name
        version = opened.version
        file = opened.file
        type = description.type
        entityTag = Array(opened.version.entityTag.utf8)
        modified = min(opened.version.modifiedSeconds, description.now)
        let validators = description.validators(of: opened.version, modified: modified)
        self.validators = Array(validators.utf8)
        partFields = Array((description.codingFields + validators).utf8)
        fields = Array("Content-Type: \(description.type)\r\n".utf8) + partFields
        self.variants = variants
    }

    var size: UInt64 { version.size }

    /// Bytes of memory for its content and those of its variants.
    var memory: Int { variants.reduce(content?.count ?? 0) { $0 + $1.file.memory } }

    /// Whether this is the file that was just opened.
    func isSame(_ opened: OpenedFile, _ neighbours: [(coding: PrecompressedCoding, opened: OpenedFile)]) -> Bool {
        version == opened.version && variants.count == neighbours.count
            && variants.allSatisfy { variant in
                neighbours.contains { $0.coding == variant.coding && $0.opened.version == variant.file.version }
            }
    }

    /// Reads contents of up to `limit` bytes into memory and closes their files, unless that would wait for a disk.
    func keepContent(upTo limit: Int) {
        for variant in variants { variant.file.keepContent(upTo: limit) }
        guard let file, version.size <= UInt64(limit), readContent(of: file) else { return }
        isInMemory = true
        self.file = nil
    }

    /// Reads the content into memory; false when it is not in the page cache, or changed meanwhile.
    private func readContent(of file: OpenFile) -> Bool {
        let count = Int(version.size)
        let bytes = OwnedBytes(count: count)
        var done = 0
        while done < count {
            let got = unsafe CLinux_pread_nowait(
                file.number, bytes.room[done...].baseAddress, UInt(count - done), UInt64(done))
            guard got > 0 else { break }
            done += got
        }
        guard done == count, let status = SystemCalls.status(of: file.number), FileVersion(status) == version else {
            return false
        }
        contentMemory = bytes
        return true
    }
}

/// The key of a file in the cache.
@safe
struct FileKey {
    let route: Int
    let path: ByteView
    let hash: UInt64

    init(route: Int, path: ByteView) {
        self.route = route
        self.path = path
        // FNV-1a
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(route)
        for index in 0..<path.count { hash = (hash ^ UInt64(path[index])) &* 0x100_0000_01b3 }
        self.hash = hash ^ hash >> 32
    }
}

/// The data for response fields about a file, besides its version.
struct FileDescription {
    var type: String
    var coding: PrecompressedCoding?
    /// Whether another client may get the same content in another coding.
    var isVaried: Bool
    var cacheControl: String?
    /// Seconds since 1970: Last-Modified is never later (RFC 9110 §8.8.2.1).
    var now: Int64

    /// Lines that only a response with content has, without the type.
    var codingFields: String {
        let coding = coding.map { "Content-Encoding: \($0.token)\r\n" } ?? ""
        return "\(coding)Accept-Ranges: bytes\r\n"
    }

    func validators(of version: FileVersion, modified: Int64) -> String {
        let vary = isVaried ? "Vary: Accept-Encoding\r\n" : ""
        let cacheControl = cacheControl.map { "Cache-Control: \($0)\r\n" } ?? ""
        let date = HTTPDate.text(unixSeconds: modified)
        return "ETag: \(version.entityTag)\r\nLast-Modified: \(date)\r\n\(cacheControl)\(vary)"
    }
}
