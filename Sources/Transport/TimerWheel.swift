/// Deadlines of one worker, kept so that moving a deadline later costs one store.
///
/// A hierarchical wheel with a tick of one millisecond: four levels of 64 slots reach 4.6 hours, and a deadline
/// beyond that is looked at again when the wheel gets there. An entry is examined at the time of its slot and fires
/// only if its deadline has come; otherwise it is put where its deadline is now. A connection that answers requests
/// all day therefore never touches the wheel: it only stores a later deadline.
@safe
struct TimerWheel: ~Copyable {
    /// A place on the wheel, owned by whoever waits; stays at one address while it is linked.
    @safe
    struct Entry {
        fileprivate(set) var deadline = Deadline.never
        fileprivate var examination = Deadline.never
        fileprivate var next: UnsafeMutablePointer<Entry>?
        fileprivate var previous: UnsafeMutablePointer<Entry>?
        fileprivate var place: Int = -1
        /// The endpoint told when the deadline passes; outlives its entry's links.
        let owner: Unmanaged<Endpoint>

        init(owner: Endpoint) {
            unsafe self.owner = .passUnretained(owner)
        }
    }

    typealias EntryPointer = UnsafeMutablePointer<Entry>

    private static let levels = 4
    private static let slotBits: UInt64 = 6
    private static let slotsPerLevel = 64

    private(set) var current: Deadline
    private let slots: UnsafeMutablePointer<EntryPointer?>
    private var occupied: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(now: Deadline) {
        current = now
        unsafe slots = .allocate(capacity: Self.levels * Self.slotsPerLevel)
        unsafe slots.initialize(repeating: nil, count: Self.levels * Self.slotsPerLevel)
    }

    deinit {
        unsafe slots.deallocate()
    }

    /// Moves the entry's deadline; links it only when it would otherwise be examined too late.
    @inline(__always)
    mutating func set(_ entry: EntryPointer, to deadline: Deadline) {
        unsafe entry.pointee.deadline = deadline
        if unsafe entry.pointee.examination > deadline {
            unsafe relink(entry)
        }
    }

    /// Takes the entry off the wheel; must happen before it is deallocated.
    mutating func remove(_ entry: EntryPointer) {
        guard unsafe entry.pointee.place >= 0 else { return }
        unsafe unlink(entry)
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

    /// Moves the wheel to `now` and calls `fire` for every owner whose deadline has come.
    mutating func advance(to now: Deadline, fire: (Unmanaged<Endpoint>) -> Void) {
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
                unsafe examine(level * Self.slotsPerLevel + Int((current.milliseconds >> shift) & 63), fire: fire)
            }
        }
    }

    private mutating func examine(_ place: Int, fire: (Unmanaged<Endpoint>) -> Void) {
        while let entry = unsafe slots[place] {
            unsafe unlink(entry)
            if unsafe entry.pointee.deadline <= current {
                unsafe fire(entry.pointee.owner)
            } else if unsafe entry.pointee.deadline != .never {
                unsafe relink(entry)
            }
        }
    }

    private mutating func relink(_ entry: EntryPointer) {
        if unsafe entry.pointee.place >= 0 { unsafe unlink(entry) }
        let deadline = unsafe max(entry.pointee.deadline.milliseconds, current.milliseconds + 1)
        let distance = deadline - current.milliseconds
        let level = min(Self.levels - 1, (63 - distance.leadingZeroBitCount) / Int(Self.slotBits))
        let shift = UInt64(level) * Self.slotBits
        let cursor = current.milliseconds >> shift
        // At most one slot short of a full turn: an entry put back while its slot is examined must not land in it.
        let tick = min(deadline >> shift, cursor + 63)
        let slot = Int(tick & 63)
        let place = level * Self.slotsPerLevel + slot
        let head = unsafe slots[place]
        unsafe entry.pointee.next = head
        unsafe entry.pointee.previous = nil
        unsafe entry.pointee.place = place
        unsafe entry.pointee.examination = Deadline(milliseconds: tick << shift)
        if let head = unsafe head { unsafe head.pointee.previous = entry }
        unsafe slots[place] = entry
        mark(level, slot, true)
    }

    private mutating func unlink(_ entry: EntryPointer) {
        let place = unsafe entry.pointee.place
        if let next = unsafe entry.pointee.next { unsafe next.pointee.previous = entry.pointee.previous }
        if let previous = unsafe entry.pointee.previous {
            unsafe previous.pointee.next = entry.pointee.next
        } else {
            unsafe slots[place] = entry.pointee.next
            if unsafe slots[place] == nil { mark(place / Self.slotsPerLevel, place % Self.slotsPerLevel, false) }
        }
        unsafe entry.pointee.next = nil
        unsafe entry.pointee.previous = nil
        unsafe entry.pointee.place = -1
        unsafe entry.pointee.examination = .never
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
