/// DATA (RFC 9113 §6.1): content of a stream. Its bytes are passed on as they arrive, before the frame is whole.
package enum DataFrame {
    /// The content within the payload; the rest of it is the length of the padding and the padding.
    @inline(__always)
    static func content(_ header: FrameHeader, firstOctet: UInt8) throws(HTTP2Fault) -> Range<Int> {
        try header.unpadded(firstOctet)
    }

    /// Writes the header of a frame whose content, `count` bytes in hand, follows.
    @inline(__always)
    package static func encodeHeader(
        count: Int, endsStream: Bool, stream: UInt32, to output: inout OutputBuffer
    ) {
        FrameHeader(.data, flags: endsStream ? FrameFlag.endStream : 0, stream: stream, length: count)
            .encode(to: &output)
    }
}
