import Memory

/// The last records in memory of a fixed size: each new one displaces as many of the oldest as it needs.
///
/// A record is in one piece, behind its length. Where the rest of the memory is too short for the next one, a length of
/// zero states that the next record is at the start.
struct RequestRing: ~Copyable {
    /// The most records that are kept.
    let limit: Int
    private(set) var count = 0
    private let memory: OwnedBytes
    /// Where the oldest record begins, and where the newest ends.
    private var first = 0
    private var end = 0

    private static let prefix = MemoryLayout<UInt32>.size

    /// - Parameter size: bytes, of which whole words are used.
    init(limit: Int, size: Int) {
        precondition(limit > 0 && size >= Self.prefix, "a ring of nothing")
        self.limit = limit
        memory = OwnedBytes(count: size / Self.prefix * Self.prefix)
    }

    /// The bytes of memory.
    var size: Int { memory.count }

    /// Whether a record of this size can be kept.
    func canTake(_ count: Int) -> Bool { room(for: count) <= memory.count }

    /// Bytes with the length, in whole words: so there is space for a length wherever there is space.
    private func room(for count: Int) -> Int {
        (Self.prefix + count + Self.prefix - 1) / Self.prefix * Self.prefix
    }

    /// Keeps a copy; false if it is larger than the memory.
    @discardableResult
    mutating func append(_ record: ByteView) -> Bool {
        let needed = room(for: record.count)
        guard needed <= memory.count else { return false }
        if count == limit { dropFirst() }
        while !findPlace(of: needed) { dropFirst() }
        memory.room.store(UInt32(record.count + 1), at: end)
        memory.room.copy(record, to: end + Self.prefix)
        end += needed
        count += 1
        return true
    }

    /// Moves `end` to where `needed` bytes are free; false if there are too few.
    private mutating func findPlace(of needed: Int) -> Bool {
        if count == 0 {
            first = 0
            end = 0
            return true
        }
        if end <= first { return first - end >= needed }
        if memory.count - end >= needed { return true }
        guard first >= needed else { return false }
        if end < memory.count { memory.room.store(UInt32(0), at: end) }
        end = 0
        return true
    }

    private mutating func dropFirst() {
        first += room(for: length(at: first))
        count -= 1
        if count > 0, first == memory.count || isGap(at: first) { first = 0 }
    }

    private func isGap(at offset: Int) -> Bool { memory.view.load(at: offset, as: UInt32.self) == 0 }

    private func length(at offset: Int) -> Int { Int(memory.view.load(at: offset, as: UInt32.self)) - 1 }

    /// Calls `body` with the records from the oldest on, each valid until it returns, until it returns false.
    func visit(_ body: (ByteView) -> Bool) {
        var offset = first
        for _ in 0..<count {
            if offset == memory.count || isGap(at: offset) { offset = 0 }
            let length = length(at: offset)
            let start = offset + Self.prefix
            guard body(memory.view[start..<start + length]) else { return }
            offset += room(for: length)
        }
    }
}
