/// The event that results from received bytes; ranges are relative to the first byte of the input.
package enum HTTP2Event: Equatable {
    /// The unconsumed bytes are not a complete frame.
    case receive
    /// A request begins; its head is in the assembly.
    case request(StreamReference, endsStream: Bool)
    /// A request begins that must be answered with the status of the rejection; its head must be ignored.
    case refused(StreamReference, RequestRejection, endsStream: Bool)
    /// A request was malformed and its stream has been reset; no stream was opened.
    case malformed(UInt32, RequestRejection)
    /// Content of a request. The caller reports its use by `useContent`.
    case content(StreamReference, Range<Int>, endsStream: Bool)
    /// The trailers of a request, which end it; they are in the assembly.
    case trailers(StreamReference)
    /// The peer has reset the stream, which has been removed.
    case reset(StreamReference, ErrorCode)
    /// The stream was reset for a fault of the peer, and has been removed.
    case streamFailed(StreamReference, HTTP2Fault)
    /// Streams that want to send have room again.
    case writable
    /// The client has received the first GOAWAY of a drain.
    case drainSeen
    /// The client opens no more streams.
    case goAway(ErrorCode)
    /// The connection has ended; the GOAWAY with the reason is in the output.
    case failed(HTTP2Fault)
}
