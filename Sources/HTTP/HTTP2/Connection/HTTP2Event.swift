/// What came of bytes that a client sent; ranges count from the first byte of the input given.
package enum HTTP2Event: Equatable {
    /// The unconsumed bytes are no whole frame.
    case receive
    /// A request begins; its head is in the assembly.
    case request(StreamReference, endsStream: Bool)
    /// A request begins that is to be answered with the status of the refusal; of its head nothing counts.
    case refused(StreamReference, RequestRejection, endsStream: Bool)
    /// A request was malformed and its stream has been reset; nothing was opened.
    case malformed(UInt32, RequestRejection)
    /// Content of a request. Whoever has used it says so by `useContent`.
    case content(StreamReference, Range<Int>, endsStream: Bool)
    /// The trailers of a request, whose end they are; they are in the assembly.
    case trailers(StreamReference)
    /// The peer has reset the stream, which is gone.
    case reset(StreamReference, ErrorCode)
    /// The stream was reset for a fault of the peer, and is gone.
    case streamFailed(StreamReference, HTTP2Fault)
    /// There is room again for what streams want to send.
    case writable
    /// The client has seen the first GOAWAY of a drain.
    case drainSeen
    /// The client opens no more streams.
    case goAway(ErrorCode)
    /// The connection is over; what tells the client why is in the output.
    case failed(HTTP2Fault)
}
