/// How the streams were closed that were closed last: what decides about frames that come late.
///
/// It has room for as many as may be open at a time, so that a frame sent before the peer knew of a reset finds it.
@safe
struct ClosedStreams: ~Copyable {
    /// Identifiers, which are odd, each with its `Closing` beside it.
    private var ids: UnsafeMutablePointer<UInt32>?
    private var closings: UnsafeMutablePointer<StreamState.Closing>?
    private let capacity: Int
    private var next = 0
    /// The greatest identifier that had to make room: a stream up to there may be forgotten.
    private var forgotten: UInt32 = 0

    init(capacity: Int) {
        self.capacity = capacity
        unsafe ids = nil
        unsafe closings = nil
    }

    deinit {
        unsafe ids?.deallocate()
        unsafe closings?.deallocate()
    }

    mutating func remember(_ id: UInt32, _ closing: StreamState.Closing) {
        if unsafe ids == nil { allocate() }
        forgotten = unsafe max(forgotten, ids.unsafelyUnwrapped[next])
        unsafe ids.unsafelyUnwrapped[next] = id
        unsafe closings.unsafelyUnwrapped[next] = closing
        next = next + 1 == capacity ? 0 : next + 1
    }

    private mutating func allocate() {
        let ids = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        let closings = UnsafeMutablePointer<StreamState.Closing>.allocate(capacity: capacity)
        unsafe ids.initialize(repeating: 0, count: capacity)
        unsafe closings.initialize(repeating: .forgotten, count: capacity)
        unsafe self.ids = unsafe ids
        unsafe self.closings = unsafe closings
    }

    /// How a stream that is no longer there was closed.
    func closing(of id: UInt32) -> StreamState.Closing {
        guard let ids = unsafe ids, let closings = unsafe closings else {
            return id <= forgotten ? .forgotten : .skipped
        }
        for place in 0..<capacity where unsafe ids[place] == id { return unsafe closings[place] }
        return id <= forgotten ? .forgotten : .skipped
    }

    /// Forgets all of them, those up to `last`, and gives the memory back.
    mutating func forget(upTo last: UInt32) {
        guard unsafe ids != nil else { return }
        forgotten = max(forgotten, last)
        unsafe ids?.deallocate()
        unsafe closings?.deallocate()
        unsafe ids = nil
        unsafe closings = nil
        next = 0
    }
}
