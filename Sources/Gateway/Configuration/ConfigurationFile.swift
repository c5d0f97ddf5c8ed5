import Glibc
import Yams

extension Configuration {
    /// Reads and checks a configuration file.
    ///
    /// Errors: every mistake in the file at once, or the one reason why it cannot be read.
    package static func load(path: String) throws(ConfigurationErrors) -> Configuration {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try readFile(path, atMost: YAMLDocument.maximumBytes)
        } catch {
            throw ConfigurationErrors(file: path, message: "cannot read the configuration: \(error.description)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationErrors(file: path, message: "the configuration is not UTF-8 text")
        }
        return try decode(text: text, file: path, folder: folder(of: path), kindOfFile: kindOfFile)
    }

    /// Checks the text of a configuration file without touching the file system.
    ///
    /// `folder` is the absolute path that relative paths start from; `kindOfFile` says what stands at an absolute
    /// path, nil for nothing. Errors: every mistake at once.
    package static func decode(
        text: String, file: String, folder: String, kindOfFile: @escaping (String) -> FileKind?
    ) throws(ConfigurationErrors) -> Configuration {
        let source = SourceText(text)
        let document: YAMLDocument
        do throws(YAMLSyntaxError) {
            document = try YAMLDocument(source)
        } catch {
            let diagnostic = Diagnostic(file: file, position: error.position, message: error.message)
            throw ConfigurationErrors([diagnostic], in: source)
        }

        let context = DecodingContext(
            file: file, folder: folder, repeatedKeys: document.repeatedKeys, kindOfFile: kindOfFile)
        let nothing = Node.scalar(Node.Scalar("", .implicit, .plain, nil))
        let configuration = ValueDecoder.configuration.decode(document.root ?? nothing, context)
        if context.diagnostics.isEmpty {
            // A repeated key is reported where its mapping is read; nothing may pass because no one read it.
            for (position, name) in document.repeatedKeys {
                context.report("duplicate key \(quoted(name))", at: position)
            }
        }
        guard let configuration, context.diagnostics.isEmpty else {
            throw ConfigurationErrors(context.diagnostics, in: source)
        }
        return configuration
    }
}

/// A failed system call, by its `errno`.
private struct SystemError: Error, CustomStringConvertible {
    var number: Int32

    var description: String { unsafe String(cString: strerror(number)) }
}

private func readFile(_ path: String, atMost limit: Int) throws(SystemError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(number: errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var length = 0
    while length < bytes.count {
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[length...])
            return unsafe read(descriptor, rest.baseAddress, rest.count)
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw SystemError(number: errno) }
        if count == 0 { return Array(bytes[..<length]) }
        length += count
    }
    throw SystemError(number: EFBIG)
}

/// The absolute path of the folder a file stands in, without symbolic links.
private func folder(of path: String) -> String {
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard let resolved = unsafe realpath(parent, nil) else { return parent }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

private func kindOfFile(_ path: String) -> FileKind? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
}
