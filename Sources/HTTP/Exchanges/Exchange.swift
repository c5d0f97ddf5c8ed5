import Memory
import Transport

/// One request and its response, as used by a handler; valid until the handler returns.
///
/// The request is read through slices of its head and, piece by piece, its body. Exactly one final response is given:
/// either a `FixedResponse`, or a head, any number of writes, and `finish`. Writes are buffered in memory; `flush`
/// sends them and waits while the client is slow, so a handler that writes much should flush often.
@safe
package struct Exchange: BitwiseCopyable {
    let storage: Stored<ExchangeStorage>

    init(_ storage: Stored<ExchangeStorage>) {
        self.storage = storage
    }

    package var connection: ClientConnection { withConnection { $0 } }

    @inline(__always)
    package var endpoint: WaitingEndpoint { withConnection { $0.endpoint } }

    /// Accesses the connection without reference counting: the connection outlives its exchange.
    @inline(__always)
    package func withConnection<Result>(_ body: (ClientConnection) -> Result) -> Result {
        unsafe storage.value.connection.unsafelyUnwrapped.with { body($0) }
    }

    // MARK: Request

    @inline(__always)
    package var head: RequestHead { storage.value.parser.head }

    /// The head that the client sent, even while an internal request replaces it.
    @inline(__always)
    var clientHead: RequestHead {
        guard let substitute = storage.value.substitute else { return head }
        return substitute.clientHead
    }

    /// The nesting depth of internal requests.
    package var depth: Int { storage.value.substitute?.depth ?? 0 }

    /// The field lines as parsed, in the order in which they were sent.
    package var fields: TableView<FieldSlice> { storage.value.parser.fields }

    /// The head as sent, to which all slices are relative.
    @inline(__always)
    package var headBytes: ByteView {
        if let substitute = storage.value.substitute {
            return substitute.bytes[..<head.length]
        }
        let start = storage.value.headStart
        let end = start + storage.value.parser.head.length
        return storage.value.input.view[start..<end]
    }

    /// Whether the path is routed as the client sent it: without dot segments and without percent-encoding.
    package var isPathAsSent: Bool { storage.value.normalizedPath == nil }

    @inline(__always)
    package func bytes(of slice: Slice) -> ByteView {
        headBytes[slice.range]
    }

    package func text(of slice: Slice) -> String {
        String(decoding: bytes(of: slice), as: UTF8.self)
    }

    /// The value of the first field with this name, compared without case.
    package func value(named name: StaticString) -> Slice? {
        storage.value.parser.value(named: name, in: headBytes.bytes)
    }

    /// Calls `body` with the path percent-decoded and without dot segments, as it is matched against routes.
    @inline(__always)
    package func withPath<Result>(_ body: (ByteView) -> Result) -> Result {
        if let path = storage.value.normalizedPath {
            return path.withBytes { body($0) }
        }
        return body(bytes(of: head.path))
    }

    /// The time at which the first byte of the request was received.
    package var began: Deadline { storage.value.began }

    // MARK: Request body

    /// The number of bytes of the body still to come; nil if it is unknown until the end.
    package var remainingBody: UInt64? {
        guard let substitute = storage.value.substitute else { return storage.value.remainingBody }
        let entity = UInt64(substitute.remainingEntity)
        guard substitute.continuesWithClient else { return entity }
        return storage.value.remainingBody.map { $0 + entity }
    }

    package var hasBodyEnded: Bool {
        guard let substitute = storage.value.substitute else { return storage.value.hasBodyEnded }
        guard substitute.remainingEntity == 0 else { return false }
        return !substitute.continuesWithClient || storage.value.hasBodyEnded
    }

    /// The next piece of the body, valid until the next call; nil at its end.
    ///
    /// Sends 100 (Continue) first if the client expects it (RFC 9110 §10.1.1).
    package func readBody() async throws(ExchangeFailure) -> ByteView? {
        try await connection.readBody(self)
    }

    /// Answers another request in place of this one, by the route that matches it; `asker` is the calling handler.
    package func answer(
        as request: InternalRequest, for asker: any RequestHandler
    ) async throws(ExchangeFailure) -> InternalOutcome {
        try await connection.answer(self, as: request, for: asker)
    }
}
