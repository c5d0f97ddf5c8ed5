/// DATA (RFC 9113 §6.1): content of a stream. Its bytes are passed on as they arrive, before the frame is complete.
package enum DataFrame {
    /// The range of the content within the payload; the rest is the padding and its length.
    @inline(__always)
    static func content(_ header: FrameHeader, firstOctet: UInt8) throws(HTTP2Fault) -> Range<Int> {
        try header.unpadded(firstOctet)
    }

    /// Writes the header of a frame; `count` bytes of content must be available and follow.
    @inline(__always)
    package static func encodeHeader(
        count: Int, endsStream: Bool, stream: UInt32, to output: inout OutputBuffer
    ) {
        FrameHeader(.data, flags: endsStream ? FrameFlag.endStream : 0, stream: stream, length: count)
            .encode(to: &output)
    }
}
