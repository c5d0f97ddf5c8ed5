/// GOAWAY (RFC 9113 §6.8): the last stream that an endpoint answers, and why it ends the connection.
package struct GoAwayFrame: Equatable {
    /// Streams beyond this one are not answered.
    package var lastStream: UInt32
    package var code: ErrorCode
    /// Diagnostic text, as a range within the payload.
    package var debugData: Range<Int>

    package init(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) {
        guard header.stream == 0 else { throw .frameOnWrongStream }
        guard header.length >= 8 else { throw .invalidFrameSize }
        lastStream = payload.number(at: 0) & 0x7FFF_FFFF
        code = ErrorCode(onWire: payload.number(at: 4))
        debugData = 8..<header.length
    }

    package static func encode(
        lastStream: UInt32, _ code: ErrorCode, reason: StaticString = "", to output: inout OutputBuffer
    ) {
        FrameHeader(.goAway, stream: 0, length: 8 + reason.utf8CodeUnitCount).encode(to: &output)
        output.append(number: lastStream)
        output.append(number: code.rawValue)
        output.append(reason)
    }
}
