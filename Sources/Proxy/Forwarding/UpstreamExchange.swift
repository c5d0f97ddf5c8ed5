import HTTP
import Memory
import Transport

/// One request and its response as exchanged with a server: the memory for it, lent while the request is in progress,
/// and the state of both.
///
/// It never waits. `UpstreamExchange+Relay.swift` moves the bytes, and waits.
@safe
final class UpstreamExchange {
    /// The request's bytes for the server.
    var output = OutputBuffer()
    var parser: ResponseParser
    var upload = Upload.none
    /// How the request's body is framed.
    var framing = BodyFraming.none
    var download = Download.head
    /// Whether the connection has served a request before.
    var isOnKeptConnection = false
    /// The server of the connection; alive as long as the upstream, which owns this exchange.
    unowned(unsafe) var server: UpstreamServer?
    let settings: UpstreamSettings
    let worker: Worker
    /// Bytes of the request that the connection has accepted.
    var sentCount = 0
    /// Whether the server has sent anything.
    var hasResponse = false
    /// Whether bytes of the request's body were taken from the client, so that it cannot be sent again.
    var tookBody = false
    /// The server no longer accepts the request; its response may still be read.
    var isSendingBroken = false
    var interimCount = 0
    /// Field lines of a response and, after a body, its trailers.
    var fields = OutputBuffer()
    /// The protocol the client requested, as in its head.
    var upgrade: Slice?
    /// Buffers the response in place of the client; nil to stream it.
    var held: HeldResponse?
    /// Whether it is a subrequest of the gateway, whose response is not forwarded.
    var isInquiry = false
    /// The request's body, buffered before; nil to stream it.
    var body: Spool?
    private var bodyOffset = 0
    /// A field line that is added to the response to bind the client to this server.
    var stickyField: [UInt8]?

    private let input: OwnedBytes
    private var cursor = 0
    private var filled = 0

    /// How much of the request has been sent to the server.
    enum Upload: Equatable {
        /// Nothing is left of it, or the rest will not be sent.
        case none
        /// The client waits for 100 (Continue), and so does the gateway.
        case awaitingContinue
        case streaming
    }

    /// How much of the response has been received.
    enum Download {
        case head
        case body(ResponseBody)
        case done
    }

    /// Space after the largest head: for the longest trailer section, and for reading much of a body in one call.
    private static let roomBehindHead = 64 << 10

    init(_ settings: UpstreamSettings, on worker: Worker) {
        self.settings = settings
        self.worker = worker
        let head = settings.responseHead
        parser = ResponseParser(
            limits: HeadLimits(maximumHead: head, maximumRequestLine: head, maximumFields: 200))
        input = OwnedBytes(count: head + Self.roomBehindHead, alignment: 64)
        unsafe server = nil
    }

    /// Prepares for another request, or for sending the same one again.
    func reset() {
        output.removeAll()
        fields.removeAll()
        parser.reset()
        upload = .none
        download = .head
        isOnKeptConnection = false
        unsafe server = nil
        sentCount = 0
        hasResponse = false
        tookBody = false
        isSendingBroken = false
        interimCount = 0
        upgrade = nil
        if stickyField != nil { stickyField = nil }
        if held != nil { held = nil }
        isInquiry = false
        if body != nil { body = nil }
        bodyOffset = 0
        cursor = 0
        filled = 0
    }

    // MARK: Bytes from the server

    @inline(__always)
    var unread: ByteView {
        input.view[cursor..<filled]
    }

    @inline(__always)
    func consume(_ count: Int) {
        cursor += count
        assert(cursor <= filled)
        if cursor == filled {
            cursor = 0
            filled = 0
        }
    }

    /// Where the next bytes go; there is space for the longest line that has to be complete.
    var room: MutableByteView {
        if filled == input.count {
            input.room.move(cursor..<filled, to: 0)
            filled -= cursor
            cursor = 0
        }
        return input.room[filled...]
    }

    func received(_ count: Int) {
        filled += count
        hasResponse = true
    }

    // MARK: Bytes from the client

    /// Takes a piece of the buffered body; nil at its end.
    func takeHeldPiece(of body: Spool) throws(Spool.Failure) -> Int? {
        guard bodyOffset < body.count else { return nil }
        let block = worker.rentBlock()
        defer { worker.returnBlock(block) }
        let count = try body.read(from: bodyOffset, into: block)
        bodyOffset += count
        frame(ByteView(block)[..<count])
        return count
    }

    /// Frames a piece of the request's body that is not buffered.
    func append(_ piece: ByteView) {
        tookBody = true
        frame(piece)
    }

    private func frame(_ piece: ByteView) {
        guard framing == .chunked else { return output.append(piece) }
        output.appendChunkLine(piece.count)
        output.append(piece)
        output.append("\r\n")
    }

    func endBody(trailers: [UInt8]) {
        upload = .none
        guard framing == .chunked else { return }
        output.append("0\r\n")
        trailers.withBytes { output.append($0) }
        output.append("\r\n")
    }
}
