/// WINDOW_UPDATE (RFC 9113 §6.9): how much more the peer may send, on a stream or on the connection.
package enum WindowUpdateFrame {
    /// The window increment; the caller must reject 0.
    package static func increment(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) -> Int {
        guard header.length == 4 else { throw .invalidFrameSize }
        return Int(payload.number(at: 0) & 0x7FFF_FFFF)
    }

    @inline(__always)
    package static func encode(_ increment: Int, stream: UInt32, to output: inout OutputBuffer) {
        FrameHeader(.windowUpdate, stream: stream, length: 4).encode(to: &output)
        output.append(number: UInt32(truncatingIfNeeded: increment))
    }
}
