import CISAPI
import Glibc
import Memory
import HTTP
import Synchronization

/// The memory of control blocks: one range of addresses, in slots of 256 bytes, so that any pointer an extension passes
/// can be checked without dereferencing it.
///
/// A freed slot is not reused until at least `quarantine` others have been used, so that a call after the end of its
/// request finds an empty slot rather than another request. The range is reserved as a whole and takes memory only
/// where it was used.
@safe
final class ControlBlockTable: @unchecked Sendable {
    static let shared = ControlBlockTable()

    private static let slotSize = 256
    private static let ownerOffset = 192
    private static let nextOffset = 200
    private static let traceOffset = 208
    private static let slotLimit = 1 << 20
    private static let quarantine = 1024
    private static let none = UInt32.max

    private let base: UnsafeMutableRawPointer
    private let free = Guarded(FreeSlots())

    /// Free slots, oldest first, linked through the slots themselves.
    private struct FreeSlots: ~Copyable {
        var first = ControlBlockTable.none
        var last = ControlBlockTable.none
        var count = 0
        var everUsed = 0
    }

    private init() {
        let protection = PROT_READ | PROT_WRITE
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let range = unsafe mmap(nil, Self.slotSize * Self.slotLimit, protection, flags, -1, 0)
        guard let range = unsafe range, unsafe range != MAP_FAILED else {
            preconditionFailure("no address space for extension control blocks")
        }
        unsafe base = range
    }

    /// Allocates a slot that belongs to `session` until `giveBack` and keeps the id of `request` after that; nil when
    /// every slot is in use.
    func take(for session: ExtensionSession, _ request: RequestID?) -> UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>? {
        let index = free.withLock { free in takeIndex(&free) }
        guard let index else { return nil }
        let slot = slot(at: index)
        let bits = UInt(bitPattern: unsafe Unmanaged.passUnretained(session).toOpaque())
        slot.trace.value.remember(request)
        slot.owner.value.store(bits, ordering: .releasing)
        return unsafe slot.start.assumingMemoryBound(to: EXTENSION_CONTROL_BLOCK.self)
    }

    /// Where the slot of a block stores the id of its request, for the crash report: a kind and four words.
    @inline(__always)
    static func trace(of block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) -> UnsafePointer<UInt64> {
        unsafe UnsafeRawPointer(UnsafeRawPointer(block) + traceOffset).assumingMemoryBound(to: UInt64.self)
    }

    func giveBack(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) {
        let index = unsafe index(of: block)
        let slot = slot(at: Int(index))
        slot.owner.value.store(0, ordering: .releasing)
        slot.next.value = Self.none
        free.withLock { free in
            if free.count == 0 {
                free.first = index
            } else {
                self.slot(at: Int(free.last)).next.value = index
            }
            free.last = index
            free.count += 1
        }
    }

    /// The session that owned the slot `connection` points to when it was read; nil for any other pointer.
    ///
    /// Sessions are never deallocated; the caller checks under the session's lock that the slot is still its own.
    @inline(__always)
    func session(of connection: UnsafeMutableRawPointer?) -> Unretained<ExtensionSession>? {
        guard let slot = unsafe slot(at: connection) else { return nil }
        return session(of: slot)
    }

    @inline(__always)
    private func session(of slot: Slot) -> Unretained<ExtensionSession>? {
        let bits = slot.owner.value.load(ordering: .acquiring)
        guard let session = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
        return unsafe Unretained(uncheckedAt: session)
    }

    /// The block in the slot with this index, which may be any number; nil beyond those that were ever used.
    func block(at index: UInt32) -> UnsafeMutableRawPointer? {
        guard Int(index) < free.withLock({ $0.everUsed }) else { return nil }
        return unsafe slot(at: Int(index)).start
    }

    /// The index of a block's slot.
    func index(of block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) -> UInt32 {
        unsafe UInt32((UnsafeMutableRawPointer(block) - base) / Self.slotSize)
    }

    /// The sessions that have a block at present.
    var sessions: [ExtensionSession] {
        let count = free.withLock { $0.everUsed }
        return (0..<count).compactMap { session(of: slot(at: $0))?.value }
    }

    /// The last request that had the slot `connection` points to; nil when there was none.
    func lastRequest(of connection: UnsafeMutableRawPointer?) -> RequestID? {
        guard let slot = unsafe slot(at: connection) else { return nil }
        return slot.trace.value.request
    }

    /// The slot that `connection` points to; nil for any other pointer.
    @inline(__always)
    private func slot(at connection: UnsafeMutableRawPointer?) -> Slot? {
        guard let connection = unsafe connection else { return nil }
        let offset = unsafe UInt(bitPattern: connection) &- UInt(bitPattern: base)
        guard offset < UInt(Self.slotSize * Self.slotLimit), offset % UInt(Self.slotSize) == 0 else { return nil }
        return unsafe Slot(start: connection)
    }

    @inline(__always)
    private func slot(at index: Int) -> Slot {
        precondition(index >= 0 && index < Self.slotLimit, "no such slot")
        return unsafe Slot(start: base + index * Self.slotSize)
    }

    /// Memory for one control block, and behind it what the table notes about it; all zeros at first.
    @safe
    private struct Slot: BitwiseCopyable {
        let start: UnsafeMutableRawPointer

        /// The address of the session; 0 for none.
        var owner: Stored<Atomic<UInt>> {
            unsafe Stored((start + ownerOffset).assumingMemoryBound(to: Atomic<UInt>.self))
        }
        /// The next free slot.
        var next: Stored<UInt32> { unsafe Stored((start + nextOffset).assumingMemoryBound(to: UInt32.self)) }
        var trace: Stored<RequestTrace> {
            unsafe Stored((start + traceOffset).assumingMemoryBound(to: RequestTrace.self))
        }
    }

    private func takeIndex(_ free: inout FreeSlots) -> Int? {
        if free.count > Self.quarantine { return popFirst(&free) }
        if free.everUsed < Self.slotLimit {
            free.everUsed += 1
            return free.everUsed - 1
        }
        return free.count > 0 ? popFirst(&free) : nil
    }

    private func popFirst(_ free: inout FreeSlots) -> Int {
        let index = Int(free.first)
        free.first = slot(at: index).next.value
        free.count -= 1
        return index
    }
}

/// The id of the last request of a slot. It is only logged, so a mix of the words of two requests is acceptable.
private struct RequestTrace: ~Copyable {
    /// 0 for none, 1 for an id generated here, otherwise the length of a given one, of which only the beginning is
    /// kept, plus `givenBase`.
    private let kind = Atomic<UInt64>(0)
    private let first = Atomic<UInt64>(0), second = Atomic<UInt64>(0), third = Atomic<UInt64>(0)
    private let fourth = Atomic<UInt64>(0)

    private static let givenBase: UInt64 = 2
    private static let givenLimit = 32

    borrowing func remember(_ request: RequestID?) {
        switch request {
        case nil: kind.store(0, ordering: .relaxed)
        case .made(let high, let low):
            first.store(high, ordering: .relaxed)
            second.store(low, ordering: .relaxed)
            kind.store(1, ordering: .relaxed)
        case .given(let name):
            var words: [4 of UInt64] = [0, 0, 0, 0]
            for (index, byte) in name.prefix(Self.givenLimit).enumerated() {
                words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
            }
            first.store(words[0], ordering: .relaxed)
            second.store(words[1], ordering: .relaxed)
            third.store(words[2], ordering: .relaxed)
            fourth.store(words[3], ordering: .relaxed)
            kind.store(Self.givenBase + UInt64(min(name.count, Self.givenLimit)), ordering: .relaxed)
        }
    }

    var request: RequestID? {
        switch kind.load(ordering: .relaxed) {
        case 0: return nil
        case 1: return .made(high: first.load(ordering: .relaxed), low: second.load(ordering: .relaxed))
        case let kind:
            let words = [
                first.load(ordering: .relaxed), second.load(ordering: .relaxed), third.load(ordering: .relaxed),
                fourth.load(ordering: .relaxed),
            ]
            return .given(
                (0..<Int(kind - Self.givenBase)).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) })
        }
    }
}
