import Glibc
import Memory

/// Parses response heads, and keeps the last one: many extensions answer every request with the same head.
///
/// The result depends only on the bytes of the head, so the same bytes need not be parsed again for another request.
@safe
struct ResponseHeadReader: ~Copyable {
    /// The head that was parsed last.
    private(set) var head = ExtensionResponseHead()
    /// Its reason phrase and field lines.
    private var text = ByteBuffer()
    /// The status and after it the block that were parsed last.
    private var source = ByteBuffer()
    /// Bytes of the status; nil when no head is kept.
    private var statusCount: Int?

    /// Bytes of the longest head that is kept: each session keeps one.
    private static let limit = 1 << 10

    /// The reason phrase, nil for the standard one; valid until the next head.
    var reason: ByteView? {
        head.reasonCount == 0 ? nil : text.slice(0..<head.reasonCount)
    }

    /// The field lines, each ended by CRLF; valid until the next head.
    var fields: ByteView {
        text.slice(head.reasonCount..<text.count)
    }

    /// Parses the head as `ExtensionResponseHead.parse` does.
    ///
    /// - Returns: where in `block` the body begins; nil if it is not a head.
    mutating func read(status: ByteView, block: ByteView) -> Int? {
        if isLast(status, block) { return block.count }
        forget()
        let parsed = status.withSpan { status in
            block.withSpan { block in
                ExtensionResponseHead.parse(status: status, block: block, into: &text)
            }
        }
        guard let parsed else { return nil }
        head = parsed.head
        // A block with the beginning of a body is hardly ever the same again.
        if parsed.bodyStart == block.count, status.count + block.count <= Self.limit {
            source.append(status)
            source.append(block)
            statusCount = status.count
        }
        return parsed.bodyStart
    }

    /// Sets the head of a response whose extension sent only a body.
    mutating func readNone() {
        forget()
        head = ExtensionResponseHead.bodyOnly(into: &text)
    }

    private mutating func forget() {
        statusCount = nil
        source.removeAll()
        text.removeAll()
    }

    private func isLast(_ status: ByteView, _ block: ByteView) -> Bool {
        guard status.count == statusCount, source.count == status.count + block.count else { return false }
        return isEqual(status, source.slice(0..<status.count))
            && isEqual(block, source.slice(status.count..<source.count))
    }

    /// Compares two buffers of the same size.
    private func isEqual(_ left: ByteView, _ right: ByteView) -> Bool {
        guard let left = unsafe left.baseAddress, let start = unsafe right.baseAddress else { return true }
        return unsafe memcmp(left, start, right.count) == 0
    }
}
