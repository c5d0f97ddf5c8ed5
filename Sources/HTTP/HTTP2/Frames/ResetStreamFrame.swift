/// RST_STREAM (RFC 9113 §6.4): ends one stream with an error code.
package enum ResetStreamFrame {
    package static func code(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) -> ErrorCode {
        guard header.stream != 0 else { throw .frameOnWrongStream }
        guard header.length == 4 else { throw .invalidFrameSize }
        return ErrorCode(onWire: payload.number(at: 0))
    }

    package static func encode(_ code: ErrorCode, stream: UInt32, to output: inout OutputBuffer) {
        FrameHeader(.resetStream, stream: stream, length: 4).encode(to: &output)
        output.append(number: code.rawValue)
    }
}
