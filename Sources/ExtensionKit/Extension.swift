import HTTPTypes

/// An ISAPI extension in Swift: its description, and the handler of its requests.
///
/// A library has one, and exports it by one line:
///
/// ```swift
/// import ExtensionKit
/// import HTTPTypes
///
/// @c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Greeting", handler: greet).entry }
///
/// func greet(_ request: borrowing Request, _ response: consuming ResponseSender) throws {
///     try response.send(HTTPResponse(status: .ok), body: "Hello\(request.pathInfo)\n")
/// }
/// ```
///
/// `GetExtensionVersion`, `HttpExtensionProc` and `TerminateExtension`, which the server requires, are exported by
/// ExtensionKit. Requests come on many threads at the same time; state that handlers share has to be protected.
public final class Extension: Sendable {
    /// Answers a request on a thread of the server, which it may block.
    ///
    /// An error that it throws ends the request: see ``ExtensionError``.
    public typealias Handler = @Sendable (borrowing Request, consuming ResponseSender) throws -> Void

    /// Answers a request without occupying a thread: reading and writing suspend.
    ///
    /// It begins on a thread of the server, which it releases when it first suspends. Its task is cancelled when the
    /// client disconnects, at the latest a second later.
    public typealias AsyncHandler =
        nonisolated(nonsending) @Sendable (borrowing Request, consuming ResponseSender) async throws -> Void

    enum Service: Sendable {
        case blocking(Handler)
        case suspending(AsyncHandler)
    }

    let description: String
    let service: Service
    let atEnd: @Sendable () -> Void

    /// An extension whose handler blocks.
    ///
    /// ```swift
    /// Extension("Clock") { request, response in
    ///     try response.send(HTTPResponse(status: .ok), body: "\(ContinuousClock.now)\n")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - description: The description that `GetExtensionVersion` returns; at most 255 bytes.
    ///   - atEnd: Called once, when the server releases the library and no request is left in it.
    ///   - handler: Answers each request.
    public init(
        _ description: String, atEnd: @escaping @Sendable () -> Void = {}, handler: @escaping Handler
    ) {
        self.description = description
        self.atEnd = atEnd
        service = .blocking(handler)
    }

    /// An extension whose handler suspends.
    ///
    /// ```swift
    /// Extension("Clock") { request, response in
    ///     let body = try await response.begin(HTTPResponse(status: .ok))
    ///     while true {
    ///         try await body.write("\(ContinuousClock.now)\n")
    ///         try await Task.sleep(for: .seconds(1))
    ///     }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - description: The description that `GetExtensionVersion` returns; at most 255 bytes.
    ///   - atEnd: Called once, when the server releases the library and no request is left in it.
    ///   - handler: Answers each request.
    public init(
        _ description: String, atEnd: @escaping @Sendable () -> Void = {}, handler: @escaping AsyncHandler
    ) {
        self.description = description
        self.atEnd = atEnd
        service = .suspending(handler)
    }

    /// The value that `isagate_extension` returns. The extension lives as long as the process.
    ///
    /// ```swift
    /// @c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Greeting", handler: greet).entry }
    /// ```
    public var entry: ExtensionEntry {
        unsafe ExtensionEntry(bitPattern: Unmanaged.passRetained(self).toOpaque())
    }
}

/// Represents an ``Extension`` where only C types are allowed: the result of the function `isagate_extension`.
///
/// ```swift
/// @c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Greeting", handler: greet).entry }
/// ```
public typealias ExtensionEntry = UInt
