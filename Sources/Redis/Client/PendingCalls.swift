import Transport

/// The commands without a reply, in the order in which they are sent.
struct PendingCalls {
    private var calls: [RedisCall] = []
    private var start = 0

    var count: Int { calls.count - start }
    var isEmpty: Bool { count == 0 }
    /// The one that the next reply belongs to.
    var first: RedisCall? { start < calls.count ? calls[start] : nil }

    mutating func append(_ call: RedisCall) { calls.append(call) }

    mutating func removeFirst() -> RedisCall? {
        guard let call = first else { return nil }
        start += 1
        if start == calls.count {
            calls.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 256, start * 2 > calls.count {
            calls.removeFirst(start)
            start = 0
        }
        return call
    }

    /// Takes all of them out.
    mutating func removeAll() -> ArraySlice<RedisCall> {
        defer {
            calls = []
            start = 0
        }
        return calls[start...]
    }

    /// Their time begins now.
    func postpone(to deadline: Deadline) {
        for call in calls[start...] { call.deadline = deadline }
    }
}
