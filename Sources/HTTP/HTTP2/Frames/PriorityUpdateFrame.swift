/// PRIORITY_UPDATE (RFC 9218 §7.1): a new priority for a stream, which may not exist yet.
package struct PriorityUpdateFrame: BitwiseCopyable, Equatable {
    package var prioritized: UInt32
    package var priority: StreamPriority

    package init(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) {
        guard header.stream == 0 else { throw .frameOnWrongStream }
        guard header.length >= 4 else { throw .invalidFrameSize }
        prioritized = payload.number(at: 0) & 0x7FFF_FFFF
        guard prioritized % 2 == 1 else { throw .invalidStreamID }
        priority = StreamPriority(payload, from: 4, to: header.length)
    }

    package static func encode(_ value: StaticString, stream: UInt32, to output: inout OutputBuffer) {
        FrameHeader(.priorityUpdate, stream: 0, length: 4 + value.utf8CodeUnitCount).encode(to: &output)
        output.append(number: stream)
        output.append(value)
    }
}
