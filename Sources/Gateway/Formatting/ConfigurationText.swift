import Glibc
import Transport

/// The text of a configuration file, for what reads and writes it without decoding it.
package enum ConfigurationText {
    package static func read(_ path: String) throws(ConfigurationErrors) -> String {
        try Configuration.read(path: path).text
    }

    package static func standardInput() throws(ConfigurationErrors) -> String {
        try Configuration.read(path: "/dev/stdin").text
    }

    /// Replaces a file in one step, so that a reload never reads half of it; mode and owner stay. A symbolic link stays
    /// one, and the file that it leads to is replaced.
    package static func replace(_ path: String, with text: String) throws(GatewayError) {
        guard let resolved = unsafe realpath(path, nil) else { throw failure(path) }
        let target = unsafe String(cString: resolved)
        unsafe free(resolved)
        guard let status = SystemCalls.status(of: target) else { throw failure(path) }
        let temporary = "\(target).\(getpid()).new"
        let descriptor = try make(temporary, mode: status.st_mode & 0o7777)
        let isOwner = fchown(descriptor.number, status.st_uid, status.st_gid) == 0
        let isWritten = fchmod(descriptor.number, status.st_mode & 0o7777) == 0 && write(text, to: descriptor.number)
        guard isOwner, isWritten, fsync(descriptor.number) == 0, unsafe rename(temporary, target) == 0 else {
            throw removing(temporary, failure(path))
        }
    }

    /// Writes a new file.
    ///
    /// - Parameters:
    ///   - mode: permissions, less those of the process's mask.
    ///   - isReplacing: whether an existing file is replaced, which keeps its mode and owner.
    package static func create(
        _ path: String, with text: String, mode: mode_t = 0o644, replacing isReplacing: Bool = false
    ) throws(GatewayError) {
        let descriptor: Descriptor
        do throws(GatewayError) {
            descriptor = try make(path, mode: mode)
        } catch {
            guard isReplacing, errno == EEXIST else { throw error }
            return try replace(path, with: text)
        }
        guard write(text, to: descriptor.number), fsync(descriptor.number) == 0 else {
            throw removing(path, failure(path))
        }
    }

    private static func make(_ path: String, mode: mode_t) throws(GatewayError) -> Descriptor {
        let descriptor = Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        guard descriptor.isOpen else { throw failure(path) }
        return descriptor
    }

    /// Removes a file that could not be written; returns the reason.
    private static func removing(_ path: String, _ error: GatewayError) -> GatewayError {
        try? StoredFile.remove(path)
        return error
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        (try? writeAll(Array(text.utf8)[...], to: descriptor)) != nil
    }

    private static func failure(_ path: String) -> GatewayError {
        .runtime("cannot write \(path): \(systemMessage(errno))")
    }
}
