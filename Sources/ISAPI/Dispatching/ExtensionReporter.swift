import HTTP

/// Receives reports about misbehaving extensions, on the worker that noticed.
package protocol ExtensionReporter: AnyObject, Sendable {
    func report(_ problem: String, request: RequestID, worker: Int)
}
