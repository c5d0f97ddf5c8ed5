/// The bytes of one connection as HTTP sees them: plain, or inside TLS.
///
/// All calls return at once; whoever gets `wouldBlock` waits on the endpoint for what it names.
package protocol ByteStream: AnyObject {
    var endpoint: Endpoint { get }

    /// Bytes from the peer; `end` when it has finished properly or simply closed.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult

    /// Takes over up to all of `bytes`; less means that the rest must be offered again once `flush()` got through.
    ///
    /// - Parameter isMoreComing: whether more will be written at once, so that no packet has to leave half full.
    func write(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool) -> IOResult

    /// As `write`, for what should leave with the bytes of other connections at the end of the worker's turn.
    func writeAtEndOfTurn(_ bytes: UnsafeRawBufferPointer) -> IOResult

    /// Whether `sendFile` may do more than return nil.
    var sendsFiles: Bool { get }

    /// Sends up to `count` bytes of a file from `offset` without reading them; `.end` behind the file's end.
    ///
    /// - Returns: nil where the bytes have to be read and written.
    func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult?

    /// Sends what `write` took over but could not send yet: `.bytes(0)` when nothing is left.
    func flush() -> IOResult

    /// Says to the peer that no more bytes follow, as far as it can be said without waiting.
    func finish()

    /// Whether the peer has been told by an alert why the connection cannot go on; it is to have the time to read it.
    var hasSentAlert: Bool { get }

    /// The site that the handshake was made with, by its first host; nil on a plain connection.
    var site: String? { get }
    /// What TLS negotiated; nil on a plain connection.
    var security: SecurityDescription? { get }
    /// Whether the bytes are encrypted; asked where making `security` would be too much.
    var isSecure: Bool { get }
}

extension ByteStream {
    /// Takes over bytes that nothing follows for now.
    @inline(__always)
    package func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        unsafe write(bytes, isMoreComing: false)
    }

    package func writeAtEndOfTurn(_ bytes: UnsafeRawBufferPointer) -> IOResult { unsafe write(bytes) }

    package var sendsFiles: Bool { false }

    package func sendFile(_ file: OpenFile, from offset: UInt64, count: Int) -> IOResult? { nil }

    package var hasSentAlert: Bool { false }

    package var site: String? { nil }
}

/// A connection without TLS.
package final class PlainStream: ByteStream {
    package let endpoint: Endpoint

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        unsafe endpoint.receive(into: buffer)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool) -> IOResult {
        unsafe endpoint.send(bytes, isMoreComing: isMoreComing)
    }

    package func writeAtEndOfTurn(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        unsafe endpoint.sendAtEndOfTurn(bytes)
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
