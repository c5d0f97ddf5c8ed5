import CLinux
import CPoolProtocol
import Glibc
import Memory
import Synchronization
import Transport

/// The memory that a process shares with the gateway: which requests of each run channel it may still enter.
///
/// The process may write anything there at any time: what it writes decides about its own requests only.
@safe
final class SharedPoolMemory: @unchecked Sendable {
    let file: OpenFile
    private let start: UnsafeMutablePointer<pool_memory>

    /// How often taking requests back is tried against a process that enters others at the same time, which it does a
    /// few times at most.
    private static let attempts = 100

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

    /// `pool_admission.word`.
    private struct Word {
        var entered: UInt32
        var admitted: UInt32

        init(entered: UInt32, admitted: UInt32) {
            self.entered = entered
            self.admitted = admitted
        }

        init(bits: UInt64) {
            self.init(entered: UInt32(truncatingIfNeeded: bits), admitted: UInt32(bits >> 32))
        }

        var bits: UInt64 { UInt64(admitted) << 32 | UInt64(entered) }
    }

    private func word(of channel: Int) -> Stored<Atomic<UInt64>> {
        precondition(channel < Int(POOL_CHANNELS))
        let place = unsafe UnsafeMutableRawPointer(start) + channel * MemoryLayout<pool_admission>.stride
        return unsafe Stored(place.assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    /// The POOL_RUN behind the one with the number `last`, up to `admitted`, may be entered; the channel has no others.
    func admit(_ channel: Int, behind last: UInt32, through admitted: UInt32) {
        word(of: channel).value.store(Word(entered: last, admitted: admitted).bits, ordering: .releasing)
    }

    /// Takes back what is behind `last`, unless it was entered.
    ///
    /// - Returns: the number of the last POOL_RUN that was entered, or may be.
    func takeBack(_ channel: Int, behind last: UInt32) -> UInt32 {
        let word = word(of: channel)
        var bits = word.value.load(ordering: .acquiring)
        for _ in 0..<Self.attempts {
            var next = Word(bits: bits)
            next.admitted = Self.later(next.entered, last)
            let outcome = word.value.compareExchange(
                expected: bits, desired: next.bits, ordering: .acquiringAndReleasing)
            if outcome.exchanged { return next.admitted }
            bits = outcome.original
        }
        // The process works against it: it keeps all of them.
        return Word(bits: bits).admitted
    }

    /// Whether the code of the extension was entered for the POOL_RUN with this number; once the process has ended.
    func hasEntered(_ channel: Int, _ sequence: UInt32) -> Bool {
        let entered = Word(bits: word(of: channel).value.load(ordering: .acquiring)).entered
        return Self.later(entered, sequence) == entered
    }

    private static func later(_ left: UInt32, _ right: UInt32) -> UInt32 {
        Int32(bitPattern: left &- right) >= 0 ? left : right
    }
}
