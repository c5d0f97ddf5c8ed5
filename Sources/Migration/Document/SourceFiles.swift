import FoundationEssentials

/// The files that an import reads, with limits for their number and sizes.
package protocol SourceFiles {
    /// The bytes of a regular file; nil when there is none.
    func read(_ path: String) throws(MigrationError) -> [UInt8]?

    /// The names in a folder, sorted; none when there is no such folder.
    func names(in folder: String) -> [String]
}

package enum SourceLimit {
    /// Bytes of one file: those of the gateway's own configuration.
    package static let fileSize = 16 << 20
    /// Files that one import reads: large hosting servers have some hundred sites.
    static let files = 4096
    /// Bytes of all files.
    static let totalSize = 64 << 20
    /// Blocks or elements inside of each other.
    static let depth = 64
    /// Directives, or elements and attributes: those of thousands of sites.
    static let items = 500_000
    /// Locations of a server, each of which is compared with the others.
    static let locations = 10_000
    /// Routes that are written: locations inside of others may need several.
    static let routes = 50_000
}

/// The files of this machine.
package struct SystemFiles: SourceFiles {
    package init() {}

    package func read(_ path: String) throws(MigrationError) -> [UInt8]? {
        let manager = FileManager.default
        guard let attributes = Self.attributes(of: path, manager) else { return nil }
        let type = attributes[.type] as? FileAttributeType
        if type == .typeDirectory { throw MigrationError(file: path, message: "is a folder") }
        // A device or a pipe could wait forever.
        guard type == .typeRegular else { throw MigrationError(file: path, message: "is not a regular file") }
        let size = (attributes[.size] as? UInt64) ?? (attributes[.size] as? Int).map(UInt64.init) ?? 0
        guard size <= SourceLimit.fileSize else {
            throw MigrationError(file: path, message: "has more than \(SourceLimit.fileSize >> 20) MiB")
        }
        guard let content = manager.contents(atPath: path) else {
            throw MigrationError(file: path, message: "cannot be read")
        }
        guard content.count <= SourceLimit.fileSize else {
            throw MigrationError(file: path, message: "has more than \(SourceLimit.fileSize >> 20) MiB")
        }
        return Array(content)
    }

    /// A path from the root, by the working folder.
    package static func absolute(_ path: String) -> String {
        FilePath.normal(FilePath.join(FileManager.default.currentDirectoryPath, path))
    }

    package func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The attributes of the file that a path leads to, through a limited number of symbolic links.
    private static func attributes(of path: String, _ manager: FileManager) -> [FileAttributeKey: Any]? {
        var path = path
        for _ in 0..<16 {
            guard let target = try? manager.destinationOfSymbolicLink(atPath: path) else {
                return try? manager.attributesOfItem(atPath: path)
            }
            path = FilePath.join(FilePath.folder(of: path), target)
        }
        return nil
    }
}

/// Paths as texts.
enum FilePath {
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// A path relative to a folder, unless it is absolute.
    static func join(_ folder: String, _ path: String) -> String {
        if path.hasPrefix("/") || folder == "." || folder.isEmpty { return path }
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }

    /// Without `.`, `..` and empty segments, as far as the text tells.
    static func normal(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == "..", let last = segments.last, last != ".." {
                segments.removeLast()
            } else if segment != ".." || !path.hasPrefix("/") {
                segments.append(segment)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + segments.joined(separator: "/")
    }
}

/// Counts what an import reads.
struct SourceBudget {
    private var files = 0
    private var bytes = 0

    mutating func spend(_ count: Int, on file: String) throws(MigrationError) {
        files += 1
        bytes += count
        guard files <= SourceLimit.files else {
            throw MigrationError(file: file, message: "is one file more than \(SourceLimit.files)")
        }
        guard bytes <= SourceLimit.totalSize else {
            throw MigrationError(file: file, message: "the files have more than \(SourceLimit.totalSize >> 20) MiB")
        }
    }
}
