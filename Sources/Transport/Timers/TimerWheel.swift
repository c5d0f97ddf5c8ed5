import Memory

/// The deadlines of one worker, in a structure in which moving a deadline later costs one store.
///
/// A hierarchical timer wheel with a tick of one millisecond: four levels of 64 slots cover 4.6 hours, and a later
/// deadline is examined again when the wheel gets there. An entry is examined at the time of its slot and fires only if
/// its deadline has passed; otherwise it is moved to the slot of its current deadline. A connection that serves
/// requests all day therefore never accesses the wheel: it only stores a later deadline.
@safe
struct TimerWheel: ~Copyable {
    /// The wheel's data in an endpoint, which outlives its links: a deadline needs no memory of its own.
    @safe
    struct Entry {
        fileprivate var deadline = Deadline.never
        fileprivate var examination = Deadline.never
        fileprivate var next: Unretained<WaitingEndpoint>?
        fileprivate var previous: Unretained<WaitingEndpoint>?
        fileprivate var place: Int16 = -1
    }

    private static let levels = 4
    private static let slotBits: UInt64 = 6
    private static let slotsPerLevel = 64

    private(set) var current: Deadline
    private var slots = Table<Unretained<WaitingEndpoint>?>(repeating: nil, count: levels * slotsPerLevel)
    private var occupied: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(now: Deadline) {
        current = now
    }

    /// Sets the endpoint's deadline; links the entry only if it would otherwise be examined too late.
    @inline(__always)
    mutating func set(_ endpoint: WaitingEndpoint, to deadline: Deadline) {
        endpoint.timer.deadline = deadline
        if endpoint.timer.examination > deadline { relink(endpoint) }
    }

    /// Like `set`, unless the endpoint's deadline is earlier.
    mutating func shorten(_ endpoint: WaitingEndpoint, to deadline: Deadline) {
        if deadline < endpoint.timer.deadline { set(endpoint, to: deadline) }
    }

    /// Removes the endpoint from the wheel; required before the endpoint is deallocated.
    mutating func remove(_ endpoint: WaitingEndpoint) {
        if endpoint.timer.place >= 0 { unlink(endpoint) }
    }

    /// The earliest time at which an entry has to be examined.
    var nextExamination: Deadline {
        var earliest = UInt64.max
        for level in 0..<Self.levels {
            let bits = bitmap(level)
            guard bits != 0 else { continue }
            let shift = UInt64(level) * Self.slotBits
            let cursor = current.milliseconds >> shift
            let rotation = Int((cursor &+ 1) & 63)
            let rotated = rotation == 0 ? bits : (bits >> UInt64(rotation)) | (bits << UInt64(64 - rotation))
            earliest = min(earliest, (cursor &+ 1 &+ UInt64(rotated.trailingZeroBitCount)) << shift)
        }
        return Deadline(milliseconds: earliest)
    }

    /// Advances the wheel to `now` and calls `fire` for every endpoint whose deadline has passed.
    mutating func advance(to now: Deadline, fire: (WaitingEndpoint) -> Void) {
        while current < now {
            let next = nextExamination
            guard next <= now else {
                current = now
                return
            }
            current = next
            for level in stride(from: Self.levels - 1, through: 0, by: -1) {
                let shift = UInt64(level) * Self.slotBits
                guard current.milliseconds & ((1 << shift) - 1) == 0 else { continue }
                examine(level * Self.slotsPerLevel + Int((current.milliseconds >> shift) & 63), fire: fire)
            }
        }
    }

    private mutating func examine(_ place: Int, fire: (WaitingEndpoint) -> Void) {
        while let first = slots[place] {
            first.with { endpoint in
                unlink(endpoint)
                if endpoint.timer.deadline <= current {
                    fire(endpoint)
                } else if endpoint.timer.deadline != .never {
                    relink(endpoint)
                }
            }
        }
    }

    private mutating func relink(_ endpoint: WaitingEndpoint) {
        if endpoint.timer.place >= 0 { unlink(endpoint) }
        let deadline = max(endpoint.timer.deadline.milliseconds, current.milliseconds + 1)
        let distance = deadline - current.milliseconds
        let level = min(Self.levels - 1, (63 - distance.leadingZeroBitCount) / Int(Self.slotBits))
        let shift = UInt64(level) * Self.slotBits
        let cursor = current.milliseconds >> shift
        // At most one slot short of a full turn: an entry that is inserted again while its slot is examined must not be
        // inserted into that slot.
        let tick = min(deadline >> shift, cursor + 63)
        let slot = Int(tick & 63)
        let place = level * Self.slotsPerLevel + slot
        let head = slots[place]
        endpoint.timer.next = head
        endpoint.timer.previous = nil
        endpoint.timer.place = Int16(place)
        endpoint.timer.examination = Deadline(milliseconds: tick << shift)
        head?.with { unsafe $0.timer.previous = Unretained(unchecked: endpoint) }
        unsafe slots[place] = Unretained(unchecked: endpoint)
        mark(level, slot, true)
    }

    private mutating func unlink(_ endpoint: WaitingEndpoint) {
        let place = Int(endpoint.timer.place)
        let (next, previous) = (endpoint.timer.next, endpoint.timer.previous)
        next?.with { $0.timer.previous = previous }
        if let previous = previous {
            previous.with { $0.timer.next = next }
        } else {
            slots[place] = next
            if next == nil { mark(place / Self.slotsPerLevel, place % Self.slotsPerLevel, false) }
        }
        endpoint.timer.next = nil
        endpoint.timer.previous = nil
        endpoint.timer.place = -1
        endpoint.timer.examination = .never
    }

    private func bitmap(_ level: Int) -> UInt64 {
        switch level {
        case 0: occupied.0
        case 1: occupied.1
        case 2: occupied.2
        default: occupied.3
        }
    }

    private mutating func mark(_ level: Int, _ slot: Int, _ isOccupied: Bool) {
        let bit: UInt64 = 1 << UInt64(slot)
        func update(_ bits: inout UInt64) { bits = isOccupied ? bits | bit : bits & ~bit }
        switch level {
        case 0: update(&occupied.0)
        case 1: update(&occupied.1)
        case 2: update(&occupied.2)
        default: update(&occupied.3)
        }
    }
}
