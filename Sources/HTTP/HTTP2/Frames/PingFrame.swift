/// PING (RFC 9113 §6.7): eight octets that the peer returns.
package enum PingFrame {
    static var count: Int { 8 }

    /// The eight octets as an integer.
    package static func content(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) -> UInt64 {
        guard header.stream == 0 else { throw .frameOnWrongStream }
        guard header.length == count else { throw .invalidFrameSize }
        return payload.word(at: 0).byteSwapped
    }

    package static func encode(_ content: UInt64, isAcknowledgement: Bool, to output: inout OutputBuffer) {
        let flags = isAcknowledgement ? FrameFlag.acknowledgement : 0
        FrameHeader(.ping, flags: flags, stream: 0, length: count).encode(to: &output)
        output.append(number: UInt32(truncatingIfNeeded: content >> 32))
        output.append(number: UInt32(truncatingIfNeeded: content))
    }
}
