/// How the most recently closed streams were closed, which determines how late frames are handled.
///
/// Its capacity is the maximum number of open streams, so that a frame sent before the peer knew of a reset still finds
/// its stream.
@safe
struct ClosedStreams: ~Copyable {
    /// Identifiers, which are odd, and the `Closing` of each.
    private var ids: UnsafeMutablePointer<UInt32>?
    private var closings: UnsafeMutablePointer<StreamState.Closing>?
    private let capacity: Int
    private var next = 0
    /// The highest identifier that has been evicted: streams up to it may be forgotten.
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

    /// How a stream that no longer exists was closed.
    func closing(of id: UInt32) -> StreamState.Closing {
        guard let ids = unsafe ids, let closings = unsafe closings else {
            return id <= forgotten ? .forgotten : .skipped
        }
        for place in 0..<capacity where unsafe ids[place] == id { return unsafe closings[place] }
        return id <= forgotten ? .forgotten : .skipped
    }

    /// Removes all streams, which are those up to `last`, and releases the memory.
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
