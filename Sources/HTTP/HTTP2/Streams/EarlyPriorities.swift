/// Priorities of streams that do not exist yet: the last few that the peer has sent (RFC 9218 §7.1).
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

    /// Returns and removes the priority of a stream that is being opened.
    mutating func take(_ id: UInt32) -> StreamPriority? {
        guard let place = ids.indices.first(where: { ids[$0] == id }) else { return nil }
        ids[place] = 0
        return priorities[place]
    }
}
