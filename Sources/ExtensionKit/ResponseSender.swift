import HTTPTypes

/// The one response that a request has.
///
/// Sending consumes it: either as a whole, or as a head whose body is written in pieces.
///
/// ```swift
/// func export(_ request: borrowing Request, _ response: consuming ResponseSender) throws {
///     guard request.head.method == .get else { return try response.send(HTTPResponse(status: .methodNotAllowed)) }
///     let body = try response.begin(HTTPResponse(status: .ok, headerFields: [.contentType: "text/csv"]))
///     for row in rows { try body.write("\(row)\n") }
/// }
/// ```
public struct ResponseSender: ~Copyable, Sendable {
    private let session: Session

    /// The number of bytes that the server accepts without waiting for the client.
    private static let promptSize = 16 << 10

    init(_ session: Session) { self.session = session }

    /// Sends a whole response with its length. Blocks while the client is slow.
    ///
    /// ```swift
    /// try response.send(HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]), body: "Hello\n")
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public consuming func send(_ head: HTTPResponse, body: String = "") throws(ExtensionError) {
        unsafe try sendAtOnce(head, body.utf8.span.bytes)
    }

    /// Sends a whole response with its length. Blocks while the client is slow.
    ///
    /// ```swift
    /// try response.send(HTTPResponse(status: .ok, headerFields: [.contentType: "image/png"]), body: image)
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public consuming func send(_ head: HTTPResponse, body: [UInt8]) throws(ExtensionError) {
        unsafe try sendAtOnce(head, body.span.bytes)
    }

    /// Sends a whole response with its length. Suspends while the client is slow.
    ///
    /// ```swift
    /// try await response.send(HTTPResponse(status: .ok), body: "Hello\n")
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public consuming func send(_ head: HTTPResponse, body: String = "") async throws(ExtensionError) {
        guard body.utf8.count > Self.promptSize else { return unsafe try sendAtOnce(head, body.utf8.span.bytes) }
        try await send(head, body: Array(body.utf8))
    }

    /// Sends a whole response with its length. Suspends while the client is slow.
    ///
    /// ```swift
    /// try await response.send(HTTPResponse(status: .ok, headerFields: [.contentType: "image/png"]), body: image)
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public consuming func send(_ head: HTTPResponse, body: [UInt8]) async throws(ExtensionError) {
        guard body.count > Self.promptSize else { return unsafe try sendAtOnce(head, body.span.bytes) }
        let sent = session
        try sent.begin(head.with(length: body.count))
        if !sent.isHead { try await sent.operation.write(body) }
    }

    private func sendAtOnce(_ head: HTTPResponse, _ body: RawSpan) throws(ExtensionError) {
        try session.begin(head.with(length: body.byteCount))
        if !session.isHead { try session.block.write(body) }
    }

    /// Sends the head; the body is written in pieces, and ends with the handler.
    ///
    /// For a head without Content-Length the server selects the framing.
    ///
    /// ```swift
    /// let body = try response.begin(HTTPResponse(status: .ok, headerFields: [.contentType: "text/csv"]))
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public consuming func begin(_ head: HTTPResponse) throws(ExtensionError) -> ResponseBody {
        try session.begin(head)
        return ResponseBody(session)
    }
}

/// The body of a response that has begun.
///
/// ```swift
/// let body = try response.begin(HTTPResponse(status: .ok))
/// for row in rows { try body.write("\(row)\n") }
/// ```
public struct ResponseBody: ~Copyable, Sendable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// Appends to the body. Blocks while the client is slow.
    ///
    /// ```swift
    /// try body.write("\(name),\(value)\n")
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public func write(_ text: String) throws(ExtensionError) {
        unsafe try session.block.write(text.utf8.span.bytes)
    }

    /// Appends to the body. Blocks while the client is slow.
    ///
    /// ```swift
    /// while let bytes = try file.read() { try body.write(bytes) }
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public func write(_ bytes: [UInt8]) throws(ExtensionError) {
        unsafe try session.block.write(bytes.span.bytes)
    }

    /// Sends a piece of the body. Suspends until the client's connection has accepted it.
    ///
    /// ```swift
    /// try await body.write("data: \(event)\n\n")
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public func write(_ text: String) async throws(ExtensionError) {
        try await session.operation.write(Array(text.utf8))
    }

    /// Sends a piece of the body. Suspends until the client's connection has accepted it.
    ///
    /// ```swift
    /// while let bytes = try await request.read() { try await body.write(bytes) }
    /// ```
    ///
    /// - Throws: ``ExtensionError``
    public func write(_ bytes: [UInt8]) async throws(ExtensionError) {
        try await session.operation.write(bytes)
    }
}

extension HTTPResponse {
    /// Adds a Content-Length, unless it exists already or the status has no body.
    func with(length: Int) -> HTTPResponse {
        let hasNoBody = status.kind == .informational || status == .noContent || status == .notModified
        guard !hasNoBody, headerFields[.contentLength] == nil else { return self }
        var response = self
        response.headerFields[.contentLength] = "\(length)"
        return response
    }
}
