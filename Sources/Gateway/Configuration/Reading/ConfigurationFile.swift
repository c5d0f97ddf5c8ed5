import Glibc
import Transport
import Yams

extension Configuration {
    /// Reads and checks a configuration file.
    ///
    /// Errors: every mistake in the file together, or the one reason why it cannot be read.
    package static func load(path: String) throws(ConfigurationErrors) -> Configuration {
        let (text, folder) = try read(path: path)
        return try decode(text: text, file: path, folder: folder, kindOfFile: kindOfFile)
    }

    /// The text of a configuration file, and the absolute path to which relative paths in it refer.
    static func read(path: String) throws(ConfigurationErrors) -> (text: String, folder: String) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try readFile(path, atMost: YAMLDocument.maximumBytes)
        } catch {
            throw ConfigurationErrors(file: path, message: "cannot read the configuration: \(error.description)")
        }
        guard let text = String(validating: bytes.withoutByteOrderMark, as: UTF8.self) else {
            let isWide = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            throw ConfigurationErrors(
                file: path, message: "the configuration is not UTF-8 text" + (isWide ? ", but UTF-16" : ""))
        }
        return (text, folder(of: path))
    }

    /// The control socket of a file's gateway, even if the rest of the file has mistakes: a running gateway must be
    /// reachable while its configuration is being corrected.
    package static func adminSocket(path: String) throws(ConfigurationErrors) -> String? {
        let (text, folder) = try read(path: path)
        guard let document = (try? YAMLDocument(SourceText(text))) ?? YAMLDocument(of: "admin", in: text) else {
            return try decode(text: text, file: path, folder: folder, kindOfFile: kindOfFile).admin.socket
        }
        let context = DecodingContext(
            file: path, folder: folder, repeatedKeys: document.repeatedKeys, kindOfFile: kindOfFile)
        let admin = ValueDecoder.adminOfFile.decode(document.rootOrNothing, context)
        // A mistake elsewhere in the section must not make a running gateway unreachable.
        guard admin != nil && !context.hasUnreadable || context.diagnostics.isEmpty else {
            throw ConfigurationErrors(context.diagnostics, in: SourceText(text))
        }
        return admin?.socket
    }

    /// The kind of file at a path, nil if nothing is visible there.
    static func kindOfFile(_ path: String) -> FileKind? {
        guard let status = SystemCalls.status(of: path) else {
            return errno == EACCES ? .hidden(behind: closedFolder(path)) : nil
        }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    /// The outermost folder on the path of a file that may not be entered.
    private static func closedFolder(_ path: String) -> String {
        var folder = ""
        for part in path.split(separator: "/").dropLast() {
            folder += "/" + part
            if unsafe faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) != 0 { break }
        }
        return folder
    }

    /// Checks the text of a configuration file without access to the file system.
    ///
    /// `folder` is the absolute path to which relative paths refer; `kindOfFile` returns the kind of file at an
    /// absolute path, nil for none; `system` supplies all other facts. Errors: every mistake together.
    package static func decode(
        text: String, file: String, folder: String, system: SystemFacts = .live,
        kindOfFile: @escaping (String) -> FileKind?
    ) throws(ConfigurationErrors) -> Configuration {
        try decodeWithPlaces(text: text, file: file, folder: folder, system: system, kindOfFile: kindOfFile)
            .configuration
    }

    /// As `decode`, with the positions at which the file names other files, by their absolute paths.
    static func decodeWithPlaces(
        text: String, file: String, folder: String, system: SystemFacts = .live,
        kindOfFile: @escaping (String) -> FileKind?
    ) throws(ConfigurationErrors) -> (configuration: Configuration, places: [String: SourcePosition]) {
        let source = SourceText(text)
        let document: YAMLDocument
        do throws(YAMLSyntaxError) {
            document = try YAMLDocument(source)
        } catch {
            let diagnostic = Diagnostic(file: file, position: error.position, message: error.message)
            throw ConfigurationErrors([diagnostic], in: source)
        }

        let context = DecodingContext(
            file: file, folder: folder, repeatedKeys: document.repeatedKeys, system: system, kindOfFile: kindOfFile)
        let decoder = text.contains("${") ? ValueDecoder.expanded(.configuration) : .configuration
        let configuration = decoder.decode(document.rootOrNothing, context)
        if context.diagnostics.isEmpty {
            // A repeated key is reported where its mapping is read; this reports those in mappings that were not read.
            for (position, name) in document.repeatedKeys {
                context.report("duplicate key \(quoted(name))", at: position)
            }
        }
        guard let configuration, context.diagnostics.isEmpty else {
            throw ConfigurationErrors(context.diagnostics, in: source)
        }
        return (configuration, context.filePositions)
    }
}

extension YAMLDocument {
    /// One section of a text that need not be YAML elsewhere: from its key at the beginning of a line to the next line
    /// that is not indented. Nil when that is not YAML either, or there is no such line.
    fileprivate init?(of section: String, in text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("\(section):") }) else { return nil }
        let rest = lines[(start + 1)...].prefix { line in line.first.map { " #\r".contains($0) } ?? true }
        guard let document = try? YAMLDocument(SourceText(([lines[start]] + rest).joined(separator: "\n"))) else {
            return nil
        }
        self = document
    }

    /// An empty file is decoded like an empty value.
    fileprivate var rootOrNothing: Node {
        root ?? Node.scalar(Node.Scalar("", .implicit, .plain, nil))
    }
}

/// A failed system call, by its `errno`.
struct SystemError: Error, CustomStringConvertible {
    var number: Int32

    var description: String { unsafe String(cString: strerror(number)) }
}

/// The whole of a file; EFBIG when it is longer than `limit` bytes.
///
/// - Parameter owner: whose file it must be, EPERM otherwise; nil for anybody's.
func readFile(_ path: String, atMost limit: Int, ownedBy owner: uid_t? = nil) throws(SystemError) -> [UInt8] {
    // What is no file is not waited for.
    let descriptor = Descriptor(opening: path, owner == nil ? O_RDONLY : O_RDONLY | O_NONBLOCK)
    guard descriptor.isOpen else { throw SystemError(number: errno) }
    if let owner {
        guard let status = SystemCalls.status(of: descriptor.number), status.st_uid == owner,
            status.st_mode & S_IFMT == S_IFREG
        else { throw SystemError(number: EPERM) }
    }
    var bytes = [UInt8](repeating: 0, count: min(limit + 1, 64 << 10))
    var length = 0
    while length <= limit {
        if length == bytes.count { bytes += [UInt8](repeating: 0, count: min(length, limit + 1 - length)) }
        let number = descriptor.number
        let count = bytes.withMutableBytes { buffer in
            let rest = buffer[length...]
            return SystemCalls.read(number, into: rest)
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw SystemError(number: errno) }
        if count == 0 { return Array(bytes[..<length]) }
        length += count
    }
    throw SystemError(number: EFBIG)
}

/// The absolute path of the folder of a file, without symbolic links.
private func folder(of path: String) -> String {
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard let resolved = unsafe realpath(parent, nil) else { return parent }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}
