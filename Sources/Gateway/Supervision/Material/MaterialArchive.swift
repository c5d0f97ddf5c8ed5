/// The text of a configuration and the files with its certificates and keys, as one process sends them to another.
///
/// The format is a version and then fields, each preceded by its length as eight bytes, the least significant first.
/// The decoder checks every length against the remaining bytes, and that nothing follows the last field.
struct MaterialArchive: Equatable, Sendable {
    /// The configuration file as the user named it.
    var configurationFile: String
    /// The absolute path that relative paths in the configuration refer to.
    var folder: String
    var configurationText: String
    var workerCount: Int
    var files: [String: [UInt8]]

    /// Files of 64 KiB for a few thousand sites fit; the limit stops unbounded growth.
    static let maximumBytes = 512 << 20

    private static let version: UInt64 = 1

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        append(Self.version, to: &bytes)
        append(Array(configurationFile.utf8), to: &bytes)
        append(Array(folder.utf8), to: &bytes)
        append(Array(configurationText.utf8), to: &bytes)
        append(UInt64(workerCount), to: &bytes)
        append(UInt64(files.count), to: &bytes)
        for (path, contents) in files.sorted(by: { $0.key < $1.key }) {
            append(Array(path.utf8), to: &bytes)
            append(contents, to: &bytes)
        }
        return bytes
    }

    private func append(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private func append(_ field: [UInt8], to bytes: inout [UInt8]) {
        append(UInt64(field.count), to: &bytes)
        bytes.append(contentsOf: field)
    }
}

extension MaterialArchive {
    /// - Throws: the reason why the bytes are not an archive.
    init(decoding bytes: [UInt8]) throws(ArchiveError) {
        var reader = Reader(rest: bytes[...])
        guard try reader.number() == Self.version else { throw .otherVersion }
        configurationFile = try reader.text()
        folder = try reader.text()
        configurationText = try reader.text()
        guard let count = Int(exactly: try reader.number()), (1...1024).contains(count) else { throw .malformed }
        workerCount = count
        files = [:]
        for _ in 0..<(try reader.number()) {
            let path = try reader.text()
            guard files.updateValue(try reader.field(), forKey: path) == nil else { throw .malformed }
        }
        guard reader.rest.isEmpty else { throw .malformed }
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func number() throws(ArchiveError) -> UInt64 {
            guard rest.count >= 8 else { throw .cut }
            defer { rest = rest.dropFirst(8) }
            return rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }

        mutating func field() throws(ArchiveError) -> [UInt8] {
            guard let count = Int(exactly: try number()), count <= rest.count else { throw .cut }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }

        mutating func text() throws(ArchiveError) -> String {
            guard let text = String(validating: try field(), as: UTF8.self) else { throw .malformed }
            return text
        }
    }
}

/// Why bytes are not an archive.
enum ArchiveError: Error, Equatable {
    case cut
    case malformed
    case otherVersion

    var message: String {
        switch self {
        case .cut: "the archive ends too early"
        case .malformed: "the archive is malformed"
        case .otherVersion: "the archive is of another version"
        }
    }
}
