import CLinux
import Glibc
import Transport

/// Bytes in memory that can be passed to another process and can no longer be changed (memfd_create(2), file seals).
///
/// They are never written to a disk, which matters for keys.
enum SealedMemory {
    /// - Throws: the error number of the call that failed.
    static func make(_ bytes: [UInt8]) throws(SystemError) -> OpenFile {
        let number = unsafe CLinux_memfd_create_sealable("isagate")
        guard number >= 0 else { throw SystemError(number: errno) }
        let descriptor = OpenFile(adopting: number)
        do throws(FileFailure) {
            try writeAll(bytes[...], to: number)
        } catch {
            throw SystemError(number: error.number)
        }
        guard CLinux_seal(number) == 0 else { throw SystemError(number: errno) }
        return descriptor
    }

    /// The bytes, from any writer; EPERM when they could still change, EFBIG when there are more than `limit`.
    static func read(_ descriptor: OpenFile, atMost limit: Int) throws(SystemError) -> [UInt8] {
        guard CLinux_is_sealed(descriptor.number) != 0 else { throw SystemError(number: EPERM) }
        let size = Int(lseek(descriptor.number, 0, SEEK_END))
        guard size >= 0 else { throw SystemError(number: errno) }
        guard size <= limit else { throw SystemError(number: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: size)
        var offset = 0
        while offset < size {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(descriptor.number, $0.baseAddress! + offset, size - offset, off_t(offset))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError(number: errno) }
            offset += count
        }
        return bytes
    }
}
