import Memory

/// Short sends of one turn of a worker's loop, which are made together after the turn's tasks.
///
/// Each send wakes the receiving program, which costs as much as the rest of a short send. A send that arrives while
/// that program still handles an earlier one wakes nothing.
@safe
struct SendBatch: ~Copyable {
    /// The maximum length, in bytes, of a send for which the copy pays off.
    static let longestSend = 4 << 10
    /// The maximum number of sends in a batch, so that no response waits for the end of a long turn.
    private static let mostSends = 16

    @safe
    private struct Entry {
        unowned(unsafe) let endpoint: Endpoint
        let count: Int
    }

    private let bytes = OwnedBytes(count: mostSends * longestSend, alignment: 64)
    private var end = 0
    private var entries: [Entry] = []

    init() {
        entries.reserveCapacity(Self.mostSends)
    }

    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count == Self.mostSends }

    /// Copies `send`, of at most `longestSend` bytes, for an endpoint that is not closed before the batch is sent.
    mutating func append(_ send: ByteView, of endpoint: Endpoint) {
        bytes.room.copy(send, to: end)
        end += send.count
        entries.append(Entry(endpoint: endpoint, count: send.count))
    }

    /// Sends the batch to the sockets.
    mutating func leave() {
        var start = 0
        for index in entries.indices {
            let entry = entries[index]
            unsafe entry.endpoint.leave(bytes.view[start..<(start + entry.count)])
            start += entry.count
        }
        entries.removeAll(keepingCapacity: true)
        end = 0
    }
}
