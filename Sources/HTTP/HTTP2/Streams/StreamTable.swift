import Memory

/// A stream that is open in at least one direction.
package struct HTTP2Stream: BitwiseCopyable {
    package fileprivate(set) var id: UInt32
    package var state: StreamState
    var sendWindow: SendWindow
    var receiveWindow: ReceiveWindow
    /// The stream's share of the connection's budget for uploads.
    var share = 0
    /// The number of content bytes still expected according to Content-Length; nil without that field.
    var remainingContent: UInt64?
    package internal(set) var priority = StreamPriority()
    /// Whether its priority was set by PRIORITY_UPDATE, which overrides the field (RFC 9218 §7.1).
    var isReprioritized = false
    /// Whether the final head of the response has been sent.
    package internal(set) var isHeadSent = false
    /// Whether the response has bytes that only flow control holds back.
    var wantsToSend = false
    /// Whether the stream is in the queue of those that may send.
    fileprivate var isQueued = false
    fileprivate var behind: Int16 = -1
    /// A value by which the owner of the connection identifies the stream.
    package var context: UInt = 0

    init(id: UInt32, state: StreamState, sendWindow: Int, receiveWindow: Int) {
        self.id = id
        self.state = state
        self.sendWindow = SendWindow(sendWindow)
        self.receiveWindow = ReceiveWindow(receiveWindow)
    }
}

/// A reference to a stream that may no longer exist.
package struct StreamReference: Hashable, BitwiseCopyable, Sendable {
    package let id: UInt32
    let place: Int16
}

/// The open streams, each at a fixed index while it is open.
///
/// Streams that may send are queued by urgency (RFC 9218 §10).
@safe
package struct StreamTable: ~Copyable {
    private var places = Table<HTTP2Stream>()
    package private(set) var count = 0
    private var first = InlineArray<8, Int16>(repeating: -1)
    private var last = InlineArray<8, Int16>(repeating: -1)

    private static var firstCapacity: Int { 4 }

    package init() {}

    private var capacity: Int { places.count }

    /// Adds a stream and returns a reference to it.
    mutating func add(_ stream: HTTP2Stream) -> StreamReference {
        if count == capacity { grow() }
        // Identifiers are consecutive, so this index is nearly always free, and it is the first one in a lookup.
        var place = Int(stream.id >> 1) & (capacity - 1)
        while places[place].id != 0 { place = (place + 1) & (capacity - 1) }
        places[place] = stream
        count += 1
        return StreamReference(id: stream.id, place: Int16(truncatingIfNeeded: place))
    }

    mutating func remove(_ reference: StreamReference) {
        guard contains(reference) else { return }
        unqueue(reference)
        places[Int(reference.place)].id = 0
        count -= 1
    }

    @inline(__always)
    package func contains(_ reference: StreamReference) -> Bool {
        let place = Int(reference.place)
        return place < capacity && places[place].id == reference.id
    }

    package func find(_ id: UInt32) -> StreamReference? {
        var place = Int(id >> 1) & max(capacity - 1, 0)
        for _ in 0..<capacity {
            if places[place].id == id {
                return StreamReference(id: id, place: Int16(truncatingIfNeeded: place))
            }
            place = (place + 1) & (capacity - 1)
        }
        return nil
    }

    /// The stream, which must exist.
    @inline(__always)
    package subscript(reference: StreamReference) -> HTTP2Stream {
        get {
            precondition(contains(reference), "the stream is gone")
            return places[Int(reference.place)]
        }
        _modify {
            precondition(contains(reference), "the stream is gone")
            yield &places[Int(reference.place)]
        }
    }

    package func forEach(_ body: (StreamReference) -> Void) {
        for place in 0..<capacity {
            let id = places[place].id
            if id != 0 { body(StreamReference(id: id, place: Int16(truncatingIfNeeded: place))) }
        }
    }

    /// Changes the window of every stream; false if one becomes too large.
    mutating func changeSendWindows(by count: Int) -> Bool {
        for place in 0..<capacity where places[place].id != 0 {
            guard places[place].sendWindow.change(by: count) else { return false }
            if count > 0 { queue(at: place) } else { unqueueIfClosed(at: place) }
        }
        return true
    }

    /// Reduces the window of every upload; calls `tell` with each stream that is due an increment, and the increment.
    mutating func shrinkReceiveWindows(by count: Int, _ tell: (UInt32, Int) -> Void) {
        for place in 0..<capacity where places[place].state.awaitsRequest {
            let stream = places[place]
            guard stream.id != 0 else { continue }
            guard let increment = places[place].receiveWindow.shrink(by: count) else {
                continue
            }
            tell(stream.id, increment)
        }
    }

    /// Releases memory that no stream needs.
    mutating func trim() {
        guard count == 0 else { return }
        places = Table()
    }

    @inline(never)
    private mutating func grow() {
        let empty = HTTP2Stream(id: 0, state: .idle, sendWindow: 0, receiveWindow: 0)
        places = Table(places, enlargedTo: max(Self.firstCapacity, 2 * capacity), with: empty)
    }
}

// The queues of streams that may send.
extension StreamTable {
    /// Whether any stream is queued.
    package var hasQueued: Bool { first.indices.contains { first[$0] >= 0 } }

    /// Appends a stream that wants to send, and may, to its queue.
    mutating func queue(_ reference: StreamReference) {
        if contains(reference) { queue(at: Int(reference.place)) }
    }

    private mutating func queue(at place: Int) {
        let stream = places[place]
        guard stream.wantsToSend, !stream.isQueued, stream.sendWindow.size > 0 else { return }
        places[place].isQueued = true
        places[place].behind = -1
        let line = Int(stream.priority.urgency & 7)
        if first[line] < 0 {
            first[line] = Int16(truncatingIfNeeded: place)
        } else {
            places[Int(last[line])].behind = Int16(truncatingIfNeeded: place)
        }
        last[line] = Int16(truncatingIfNeeded: place)
    }

    /// The next stream to send: the first one in the most urgent non-empty queue. It stays in the queue.
    package func nextToSend() -> StreamReference? {
        for line in first.indices where first[line] >= 0 {
            let place = Int(first[line])
            return StreamReference(id: places[place].id, place: Int16(place))
        }
        return nil
    }

    /// Records that a part of the stream was sent: an incremental stream goes to the end of its queue, any other one
    /// stays first (RFC 9218 §10).
    package mutating func sentPart(of reference: StreamReference) {
        guard contains(reference) else { return }
        let stream = self[reference]
        guard stream.isQueued else { return }
        if stream.priority.isIncremental || !stream.wantsToSend || stream.sendWindow.size <= 0 {
            unqueue(reference)
            queue(reference)
        }
    }

    private mutating func unqueueIfClosed(at place: Int) {
        let stream = places[place]
        guard stream.sendWindow.size <= 0 else { return }
        unqueue(StreamReference(id: stream.id, place: Int16(truncatingIfNeeded: place)))
    }

    mutating func reprioritize(_ reference: StreamReference, _ priority: StreamPriority) {
        unqueue(reference)
        self[reference].priority = priority
        queue(reference)
    }

    /// Removes a stream from its queue.
    mutating func unqueue(_ reference: StreamReference) {
        guard contains(reference), self[reference].isQueued else { return }
        let line = Int(self[reference].priority.urgency & 7)
        var before: Int16 = -1
        var place = first[line]
        while place != reference.place {
            before = place
            place = places[Int(place)].behind
        }
        let behind = self[reference].behind
        if before < 0 { first[line] = behind } else { places[Int(before)].behind = behind }
        if behind < 0 { last[line] = before }
        self[reference].isQueued = false
    }
}
