/// Priorities of streams that are not there yet, the last few the peer has told (RFC 9218 §7.1).
struct EarlyPriorities: BitwiseCopyable {
    private var ids = InlineArray<4, UInt32>(repeating: 0)
    private var priorities = InlineArray<4, StreamPriority>(repeating: StreamPriority())
    private var next = 0

    mutating func note(_ id: UInt32, _ priority: StreamPriority) {
        let place = ids.indices.first { ids[$0] == id }
        if place == nil { next = (next + 1) % ids.count }
        ids[place ?? next] = id
        priorities[place ?? next] = priority
    }

    /// What was told of a stream, which is there from now on.
    mutating func take(_ id: UInt32) -> StreamPriority? {
        guard let place = ids.indices.first(where: { ids[$0] == id }) else { return nil }
        ids[place] = 0
        return priorities[place]
    }
}
