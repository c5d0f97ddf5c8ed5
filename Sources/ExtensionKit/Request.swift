import HTTPTypes

/// A request, as long as its handler runs.
///
/// Its body is read in pieces, or as a whole:
///
/// ```swift
/// func count(_ request: borrowing Request, _ response: consuming ResponseSender) async throws {
///     var total = 0
///     while let bytes = try await request.read() { total += bytes.count }
///     try await response.send(HTTPResponse(status: .ok), body: "\(total) bytes\n")
/// }
/// ```
///
/// The server discards what a handler does not read.
public struct Request: ~Copyable, Sendable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// Method, target and fields.
    ///
    /// ```swift
    /// guard request.head.method == .post, request.head.headerFields[.contentType] == "text/csv" else { … }
    /// ```
    public var head: HTTPRequest { session.head }

    /// The path after the extension's own, decoded; empty when the extension itself was requested.
    ///
    /// ```swift
    /// let document = request.pathInfo.split(separator: "/").last
    /// ```
    public var pathInfo: String { session.block.pathInfo }

    /// The part after the question mark, as it was sent.
    ///
    /// ```swift
    /// let isShort = request.query == "short"
    /// ```
    public var query: String { session.block.query }

    /// A server variable; nil when there is none of that name.
    ///
    /// ```swift
    /// let client = request.variable("REMOTE_ADDR")
    /// ```
    public func variable(_ name: String) -> String? {
        session.block.variable(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The body's length in bytes; nil when it comes in chunks, or is 4 GiB or longer.
    ///
    /// ```swift
    /// var collected: [UInt8] = []
    /// collected.reserveCapacity(min(request.bodyLength ?? 0, 1 << 20))
    /// ```
    public var bodyLength: Int? { session.block.bodyLength }

    /// The next bytes of the body, at most 64 KiB; nil at its end. Blocks until there are some.
    ///
    /// ```swift
    /// while let bytes = try request.read() { hash.update(bytes) }
    /// ```
    ///
    /// - Throws: ``ExtensionError/clientGone`` when the rest does not come.
    public func read() throws(ExtensionError) -> [UInt8]? {
        if let first = session.takeAvailable() { return first }
        guard session.needsMore else { return nil }
        return session.received(try session.block.read(atMost: AsyncOperation.bufferSize))
    }

    /// The next bytes of the body, at most 64 KiB; nil at its end. Suspends until there are some.
    ///
    /// ```swift
    /// while let bytes = try await request.read() { hash.update(bytes) }
    /// ```
    ///
    /// - Throws: ``ExtensionError/clientGone`` when the rest does not come.
    public func read() async throws(ExtensionError) -> [UInt8]? {
        if let first = session.takeAvailable() { return first }
        guard session.needsMore else { return nil }
        return session.received(try await session.operation.read())
    }

    /// The whole body. Blocks until it has been received.
    ///
    /// ```swift
    /// let form = try request.body(atMost: 16_384)
    /// ```
    ///
    /// - Throws: ``ExtensionError/bodyTooLong`` when it is longer than `limit` bytes, and then does not read it to its
    ///   end; ``ExtensionError/clientGone`` when the rest does not come.
    public func body(atMost limit: Int) throws(ExtensionError) -> [UInt8] {
        var body = BoundedBody(limit: limit, announced: bodyLength)
        while let bytes = body.canGrow ? try read() : nil { body.append(bytes) }
        return try body.bytes
    }

    /// The whole body. Suspends until it has been received.
    ///
    /// ```swift
    /// let form = try await request.body(atMost: 16_384)
    /// ```
    ///
    /// - Throws: ``ExtensionError/bodyTooLong`` when it is longer than `limit` bytes, and then does not read it to its
    ///   end; ``ExtensionError/clientGone`` when the rest does not come.
    public func body(atMost limit: Int) async throws(ExtensionError) -> [UInt8] {
        var body = BoundedBody(limit: limit, announced: bodyLength)
        while let bytes = body.canGrow ? try await read() : nil { body.append(bytes) }
        return try body.bytes
    }
}

/// A body that is collected up to a limit.
struct BoundedBody {
    private let limit: Int
    private var collected: [UInt8] = []
    private(set) var canGrow: Bool

    init(limit: Int, announced: Int?) {
        self.limit = limit
        canGrow = (announced ?? 0) <= limit
    }

    mutating func append(_ bytes: [UInt8]) {
        canGrow = bytes.count <= limit - collected.count
        if canGrow { collected += bytes }
    }

    var bytes: [UInt8] {
        get throws(ExtensionError) {
            guard canGrow else { throw .bodyTooLong }
            return collected
        }
    }
}
