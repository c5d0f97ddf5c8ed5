/// CONTINUATION (RFC 9113 §6.10): a further fragment of a field block, which is its whole payload.
package enum ContinuationFrame {
    package static func endsBlock(_ header: FrameHeader) -> Bool { header.has(FrameFlag.endHeaders) }

    /// Inserts frame headers into a field block that extends from `start` to the end of the output.
    static func split(from start: Int, stream: UInt32, maximumLength: Int, in output: inout OutputBuffer) {
        var start = start
        while start < output.count {
            let rest = output.count - start
            let isLast = rest <= maximumLength
            let header = FrameHeader(
                .continuation, flags: isLast ? FrameFlag.endHeaders : 0, stream: stream,
                length: min(rest, maximumLength))
            output.insert(FrameHeader.count, at: start)
            output.overwrite(at: start, count: FrameHeader.count) { header.write(to: $0) }
            start += FrameHeader.count + header.length
        }
    }
}
