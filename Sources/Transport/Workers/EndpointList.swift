/// The open endpoints of one worker, linked through themselves: none is counted, because each removes itself before it is
/// closed.
@safe
struct EndpointList: ~Copyable {
    private(set) var count = 0
    private var first: Endpoint?

    mutating func add(_ endpoint: Endpoint) {
        count += 1
        unsafe endpoint.following = first
        unsafe first?.preceding = endpoint
        first = endpoint
    }

    mutating func remove(_ endpoint: Endpoint) {
        count -= 1
        if let preceding = unsafe endpoint.preceding {
            unsafe preceding.following = endpoint.following
        } else {
            first = unsafe endpoint.following
        }
        unsafe endpoint.following?.preceding = endpoint.preceding
        unsafe endpoint.following = nil
        unsafe endpoint.preceding = nil
    }

    /// The first endpoint; `next(after:)` gives the others. An endpoint may be removed after its successor was read.
    var head: Endpoint? { first }

    func next(after endpoint: Endpoint) -> Endpoint? { unsafe endpoint.following }
}
