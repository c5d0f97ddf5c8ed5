/// Short sends of one turn of a worker's loop, which leave together when the turn's tasks have run.
///
/// Each send wakes the program that waits for it, which costs as much as the rest of a short send; what comes while that
/// program still works on the last wakes nobody.
@safe
struct SendBatch: ~Copyable {
    /// The longest send that is worth its copy, in bytes.
    static let longestSend = 4 << 10
    /// So many sends leave before others join: no answer waits for a long turn's end.
    private static let mostSends = 16

    @safe
    private struct Entry {
        unowned(unsafe) let endpoint: Endpoint
        let count: Int
    }

    private let bytes: UnsafeMutableRawBufferPointer
    private var end = 0
    private var entries: [Entry] = []

    init() {
        unsafe bytes = .allocate(byteCount: Self.mostSends * Self.longestSend, alignment: 64)
        entries.reserveCapacity(Self.mostSends)
    }

    deinit {
        unsafe bytes.deallocate()
    }

    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count == Self.mostSends }

    /// Copies `send`, of at most `longestSend` bytes, for an endpoint that is not closed before the batch has left.
    mutating func append(_ send: UnsafeRawBufferPointer, of endpoint: Endpoint) {
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[end...]).copyMemory(from: send)
        end += send.count
        entries.append(Entry(endpoint: endpoint, count: send.count))
    }

    /// Empties the batch into the sockets.
    mutating func leave() {
        var start = 0
        for index in entries.indices {
            let entry = entries[index]
            unsafe entry.endpoint.leave(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + entry.count)]))
            start += entry.count
        }
        entries.removeAll(keepingCapacity: true)
        end = 0
    }
}
