import CLinux
import Glibc
import HTTP
import Transport

/// A file as it is served: open, or its bytes, and the field lines that go with it.
///
/// Used on one worker only. Whoever sends from it holds it, and what it sends from, so that both outlive its place in the
/// cache and the change from one to the other.
@safe
final class CachedFile {
    /// The route's number and the path, which together are the key.
    let route: Int
    let path: [UInt8]
    let hash: UInt64
    /// The file's name relative to the root, ended by NUL: not the path where an index or a fallback is served.
    let name: [UInt8]
    let version: FileVersion
    let type: String
    /// Of the file itself; for a coded neighbour, of that.
    let entityTag: [UInt8]
    /// What Last-Modified says, in seconds since 1970.
    let modified: Int64
    /// What a response with the content, or a part of it, says about it; lines ended by CRLF.
    let fields: [UInt8]
    /// As `fields`, where the type is said elsewhere.
    let partFields: [UInt8]
    /// What 304 and 412 say; lines ended by CRLF.
    let validators: [UInt8]
    /// Neighbours that hold the same content coded, the smallest first.
    let variants: [Variant]
    /// Nil once the content is in memory.
    private(set) var file: OpenFile?
    /// The content, when the file is small enough to keep; it stays where it is as long as this object.
    private(set) var content: UnsafeRawBufferPointer?

    /// Until then the file counts as unchanged.
    var freshUntil = Deadline(milliseconds: 0)
    /// When it was last asked for, as the cache counts.
    var lastUse: UInt64 = 0

    struct Variant {
        let coding: PrecompressedCoding
        let file: CachedFile
    }

    init(
        key: FileKey, name: [UInt8], opened: OpenedFile, description: FileDescription, variants: [Variant]
    ) {
        route = key.route
        path = unsafe Array(key.path)
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
        unsafe content = nil
    }

    deinit {
        if let content = unsafe content { unsafe content.deallocate() }
    }

    var size: UInt64 { version.size }

    /// Bytes that its content and those of its neighbours take in memory.
    var memory: Int { unsafe variants.reduce(content?.count ?? 0) { $0 + $1.file.memory } }

    /// Whether this is what was found in the file system just now.
    func isSame(_ opened: OpenedFile, _ neighbours: [(coding: PrecompressedCoding, opened: OpenedFile)]) -> Bool {
        version == opened.version && variants.count == neighbours.count
            && variants.allSatisfy { variant in
                neighbours.contains { $0.coding == variant.coding && $0.opened.version == variant.file.version }
            }
    }

    /// Reads contents of up to `limit` bytes into memory and lets go of their files, as far as no disk keeps us waiting.
    func keepContent(upTo limit: Int) {
        for variant in variants { variant.file.keepContent(upTo: limit) }
        guard let file, version.size <= UInt64(limit), let bytes = unsafe readContent(of: file) else { return }
        unsafe content = bytes
        self.file = nil
    }

    /// The content; nil when it is not in the system's memory, or changed meanwhile.
    private func readContent(of file: OpenFile) -> UnsafeRawBufferPointer? {
        let count = Int(version.size)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
        var done = 0
        while done < count {
            let got = unsafe CLinux_pread_nowait(
                file.number, bytes.baseAddress! + done, UInt(count - done), UInt64(done))
            guard got > 0 else { break }
            done += got
        }
        var status = stat()
        guard done == count, unsafe fstat(file.number, &status) == 0, FileVersion(status) == version else {
            unsafe bytes.deallocate()
            return nil
        }
        return unsafe UnsafeRawBufferPointer(start: bytes.baseAddress, count: count)
    }
}

/// What a file is looked up by.
@safe
struct FileKey {
    let route: Int
    let path: UnsafeRawBufferPointer
    let hash: UInt64

    init(route: Int, path: UnsafeRawBufferPointer) {
        self.route = route
        unsafe self.path = path
        // FNV-1a
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(route)
        for index in 0..<path.count { hash = (hash ^ UInt64(unsafe path[index])) &* 0x100_0000_01b3 }
        self.hash = hash ^ hash >> 32
    }
}

/// What responses say about a file beyond its version.
struct FileDescription {
    var type: String
    var coding: PrecompressedCoding?
    /// Whether another coding of the same content may be sent to another client.
    var isVaried: Bool
    var cacheControl: String?
    /// Seconds since 1970: nothing is said to have changed later (RFC 9110 §8.8.2.1).
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
