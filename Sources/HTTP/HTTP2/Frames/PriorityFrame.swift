/// PRIORITY (RFC 9113 §6.3), of a deprecated scheme: its format is validated and its content ignored.
package enum PriorityFrame {
    /// The length of the payload in bytes: a dependency and a weight.
    static var count: Int { 5 }

    /// The stream on which this one depends, without the exclusive flag in its highest bit.
    @inline(__always)
    static func dependency(_ payload: RawSpan, at offset: Int) -> UInt32 { payload.number(at: offset) & 0x7FFF_FFFF }

    package static func check(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) {
        guard header.stream != 0 else { throw .frameOnWrongStream }
        guard header.length == count else { throw .invalidPriorityFrame }
        guard dependency(payload, at: 0) != header.stream else { throw .streamDependsOnItself }
    }

    package static func encode(
        stream: UInt32, dependency: UInt32, weight: UInt8, to output: inout OutputBuffer
    ) {
        FrameHeader(.priority, stream: stream, length: count).encode(to: &output)
        output.append(number: dependency)
        output.append(weight)
    }
}
