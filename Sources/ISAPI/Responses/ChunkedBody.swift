import HTTP
import Memory

/// Decodes a body that its extension has framed in chunks itself, so that it is not framed twice.
///
/// The content is sent in the framing that the client understands, which for HTTP/1.0 is none. A class, as few
/// responses have one and every pending request reserves memory for it.
final class ChunkedBody {
    private var decoder = ChunkedDecoder()
    /// The beginning of a line whose end has not arrived.
    private var unread: [UInt8] = []
    private(set) var hasEnded = false

    init() {}

    /// Calls `write` with the content of the given bytes.
    ///
    /// - Throws: `RequestRejection` for bytes that are not a chunked body, or that continue after its end.
    func take(
        _ bytes: ByteView, _ write: (ByteView) -> Void
    ) throws(RequestRejection) {
        guard bytes.count > 0 else { return }
        var unread: [UInt8] = []
        swap(&unread, &self.unread)
        unread.append(contentsOf: bytes)
        var start = 0
        scan: while !hasEnded {
            var decoder = decoder
            let step = try decoder.decode(unread.span.rawBytes.extracting(start..<unread.count))
            self.decoder = decoder
            switch step {
            case .data(let range):
                unread.withBytes { all in
                    let content = all[(start + range.lowerBound)..<(start + range.upperBound)]
                    write(content)
                }
                start += range.upperBound
            // Trailers are dropped, and their line ends with them.
            case .trailer(let range): start += range.upperBound + 2
            case .needsMore(let consumed):
                start += consumed
                break scan
            case .end(let consumed):
                start += consumed
                hasEnded = true
            }
        }
        unread.removeFirst(start)
        if hasEnded, !unread.isEmpty { throw .invalidChunkEnd }
        self.unread = unread
    }
}
