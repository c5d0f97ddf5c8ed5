import Memory

/// How the most recently closed streams were closed, which determines how late frames are handled.
///
/// Its capacity is the maximum number of open streams, so that a frame sent before the peer knew of a reset still finds
/// its stream.
@safe
struct ClosedStreams: ~Copyable {
    /// Identifiers, which are odd, and the `Closing` of each.
    private var ids = Table<UInt32>()
    private var closings = Table<StreamState.Closing>()
    private let capacity: Int
    private var next = 0
    /// The highest identifier that has been evicted: streams up to it may be forgotten.
    private var forgotten: UInt32 = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    mutating func remember(_ id: UInt32, _ closing: StreamState.Closing) {
        if ids.isEmpty { allocate() }
        forgotten = max(forgotten, ids[next])
        ids[next] = id
        closings[next] = closing
        next = next + 1 == capacity ? 0 : next + 1
    }

    private mutating func allocate() {
        ids = Table(repeating: 0, count: capacity)
        closings = Table(repeating: .forgotten, count: capacity)
    }

    /// How a stream that no longer exists was closed.
    func closing(of id: UInt32) -> StreamState.Closing {
        for place in 0..<ids.count where ids[place] == id { return closings[place] }
        return id <= forgotten ? .forgotten : .skipped
    }

    /// Removes all streams, which are those up to `last`, and releases the memory.
    mutating func forget(upTo last: UInt32) {
        guard !ids.isEmpty else { return }
        forgotten = max(forgotten, last)
        ids = Table()
        closings = Table()
        next = 0
    }
}
