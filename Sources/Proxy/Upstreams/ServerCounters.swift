import Transport

/// What one worker has counted of one server since the upstream was configured; any thread may read it.
package final class ServerCounters: Sendable {
    /// Attempts to forward a request, those on a connection that turned out to be closed included.
    package let requests = WorkerCounter()
    /// Attempts that failed because of the server or the way to it.
    package let failures = WorkerCounter()
    /// Requests that were sent again, to another server, after they had failed here.
    package let retries = WorkerCounter()
    package let ejections = WorkerCounter()
    /// New connections.
    package let connections = WorkerCounter()
    /// From the choice of the server to the end of the response, all requests together.
    package let milliseconds = WorkerCounter()
}
