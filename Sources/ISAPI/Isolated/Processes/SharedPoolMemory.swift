import CLinux
import CPoolProtocol
import Glibc
import Transport

/// The memory that a process shares with the gateway.
@safe
final class SharedPoolMemory: @unchecked Sendable {
    let file: OpenFile
    private let start: UnsafeMutablePointer<pool_memory>

    init() throws(SystemCallError) {
        file = OpenFile(adopting: unsafe CLinux_memfd_create("pool"))
        let size = MemoryLayout<pool_memory>.size
        guard file.isOpen, ftruncate(file.number, size) == 0 else { throw SystemCallError("memfd_create") }
        let place = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
        guard let place = unsafe place, unsafe place != MAP_FAILED else { throw SystemCallError("mmap") }
        unsafe start = place.assumingMemoryBound(to: pool_memory.self)
    }

    deinit {
        unsafe munmap(start, MemoryLayout<pool_memory>.size)
    }

    /// Whether the code of the extension was entered for the POOL_RUN with this number; once the process has ended.
    func hasEntered(_ channel: Int, _ sequence: UInt32) -> Bool {
        precondition(channel < Int(POOL_CHANNELS))
        let offset = channel * MemoryLayout<UInt32>.stride
        return unsafe UnsafeRawPointer(start).load(fromByteOffset: offset, as: UInt32.self) == sequence
    }
}
