import Memory

/// The byte stream of one connection as HTTP uses it: plain, or inside TLS.
///
/// No call blocks. After `wouldBlock` the caller waits on the endpoint for the interest that the result contains.
package protocol ByteStream: AnyObject {
    var endpoint: Endpoint { get }

    /// Reads bytes from the peer; `end` after an orderly end of the stream and after a plain close.
    func read(into buffer: MutableByteView) -> IOResult

    /// Accepts up to all of `bytes`. If it accepts fewer, the caller must offer the rest again after `flush()` has
    /// succeeded.
    ///
    /// - Parameter isMoreComing: whether another write follows at once, so that no partly filled packet has to be sent.
    func write(_ bytes: ByteView, isMoreComing: Bool) -> IOResult

    /// Like `write`, for bytes that should be sent together with those of other connections at the end of the worker's
    /// turn.
    func writeAtEndOfTurn(_ bytes: ByteView) -> IOResult

    /// Whether `sendFile` may do more than return nil.
    var sendsFiles: Bool { get }

    /// Sends up to `count` bytes of a file from `offset` without reading them; `.end` beyond the end of the file.
    ///
    /// - Returns: nil if the bytes have to be read and written instead.
    func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult?

    /// The most bytes that `writePiece` accepts at once; 0 if it accepts none.
    var pieceSize: Int { get }

    /// Accepts all of `head` and `content` or nothing, without a copy of them; the caller calls `flush` at the end of a
    /// turn. Nothing is accepted when there is no memory for it before the peer receives more.
    ///
    /// - Parameter piece: what `content` is, if that is a mapped file.
    /// - Returns: `.failed(.contentLost)` if the file does not have the bytes any more; then nothing was accepted, and
    ///   the stream can continue.
    func writePiece(
        _ content: ByteView, of piece: MappedPiece?, after head: ByteView
    ) -> IOResult

    /// Sends what `write` accepted but could not send yet: `.bytes(0)` when nothing is left.
    func flush() -> IOResult

    /// Signals to the peer that no more bytes follow, as far as this is possible without waiting.
    func finish()

    /// Whether an alert has been sent that states why the connection cannot continue. The peer needs time to read it.
    var hasSentAlert: Bool { get }

    /// The site for which the handshake was made, identified by its first host; nil on a plain connection.
    var site: String? { get }
    /// What TLS negotiated; nil on a plain connection.
    var security: SecurityDescription? { get }
    /// Whether the bytes are encrypted; for callers to whom creating `security` would cost too much.
    var isSecure: Bool { get }
}

extension ByteStream {
    /// Accepts bytes that are not followed by others for now.
    @inline(__always)
    package func write(_ bytes: ByteView) -> IOResult {
        write(bytes, isMoreComing: false)
    }

    package func writeAtEndOfTurn(_ bytes: ByteView) -> IOResult { write(bytes) }

    package var sendsFiles: Bool { false }

    package func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? { nil }

    package var pieceSize: Int { 0 }

    package func writePiece(
        _ content: ByteView, of piece: MappedPiece?, after head: ByteView
    ) -> IOResult {
        preconditionFailure("a stream of which `pieceSize` is 0 accepts no pieces")
    }

    package var hasSentAlert: Bool { false }

    package var site: String? { nil }
}

/// A connection without TLS.
package final class PlainStream: ByteStream {
    package let endpoint: Endpoint

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    package func read(into buffer: MutableByteView) -> IOResult {
        endpoint.receive(into: buffer)
    }

    package func write(_ bytes: ByteView, isMoreComing: Bool) -> IOResult {
        endpoint.send(bytes, isMoreComing: isMoreComing)
    }

    package func writeAtEndOfTurn(_ bytes: ByteView) -> IOResult {
        endpoint.sendAtEndOfTurn(bytes)
    }

    package var sendsFiles: Bool { true }

    package func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? {
        endpoint.sendFile(file, from: offset, count: count)
    }

    package func flush() -> IOResult { .bytes(0) }

    package func finish() {
        endpoint.finishSending()
    }

    package var security: SecurityDescription? { nil }
    package var isSecure: Bool { false }
}
