/// HEADERS (RFC 9113 §6.2): the field block of a head or of trailers, or its first fragment.
package struct HeadersFrame: Equatable {
    /// The range of the field block fragment within the payload.
    package var fragment: Range<Int>
    package var endsStream: Bool
    package var endsBlock: Bool
    /// The stream on which this one depends, in the priority scheme that RFC 9113 deprecates.
    package var dependency: UInt32?

    /// Parses a complete payload.
    @inline(__always)
    package init(_ header: FrameHeader, _ payload: RawSpan) throws(HTTP2Fault) {
        fragment = try header.unpadded(header.length > 0 ? payload.byte(at: 0) : 0)
        endsStream = header.has(FrameFlag.endStream)
        endsBlock = header.has(FrameFlag.endHeaders)
        if header.has(FrameFlag.priority) {
            guard fragment.count >= PriorityFrame.count else { throw .invalidFrameSize }
            dependency = PriorityFrame.dependency(payload, at: fragment.lowerBound)
            fragment = fragment.lowerBound + PriorityFrame.count..<fragment.upperBound
        }
    }

    /// Begins a frame whose field block follows; `end` completes it.
    ///
    /// - Returns: its position, relative to the first unsent byte of the output.
    @inline(__always)
    static func begin(in output: inout OutputBuffer) -> Int {
        let start = output.count
        FrameHeader(.headers, stream: 0, length: 0).encode(to: &output)
        return start
    }

    /// Completes the frame that begins at `start`; CONTINUATION frames contain what exceeds the maximum frame size.
    @inline(__always)
    static func end(
        at start: Int, stream: UInt32, endsStream: Bool, maximumLength: Int, in output: inout OutputBuffer
    ) {
        let count = output.count - start - FrameHeader.count
        var flags = endsStream ? FrameFlag.endStream : 0
        if count <= maximumLength { flags |= FrameFlag.endHeaders }
        let header = FrameHeader(.headers, flags: flags, stream: stream, length: min(count, maximumLength))
        output.overwrite(at: start, count: FrameHeader.count) { header.write(to: $0) }
        guard count > maximumLength else { return }
        ContinuationFrame.split(
            from: start + FrameHeader.count + maximumLength, stream: stream, maximumLength: maximumLength, in: &output)
    }
}
