import Transport

/// A connection to a server, between or during requests.
final class UpstreamConnection {
    let stream: any ByteStream
    let endpoint: Endpoint
    /// The time after which it is too old for another request.
    let retirement: Deadline
    /// While it is kept: when it has been idle for too long.
    fileprivate(set) var idleDeadline = Deadline.never
    /// Whether it has served a request before the present one.
    fileprivate(set) var isReused = false

    init(_ stream: any ByteStream, retirement: Deadline) {
        self.stream = stream
        endpoint = stream.endpoint
        self.retirement = retirement
    }

    // Not inlined, like the next two, so that no reference counts are changed for the connection's properties.
    @inline(never)
    fileprivate func enterPool(keeper: any EndpointKeeper, idleUntil deadline: Deadline) {
        isReused = true
        idleDeadline = min(deadline, retirement)
        endpoint.keep(by: keeper, until: idleDeadline)
    }

    /// Whether the connection can still be used for a request.
    @inline(never)
    fileprivate func leavePool(now: Deadline, isConfirmed: Bool) -> Bool {
        endpoint.takeBack()
        return idleDeadline > now && (isConfirmed ? endpoint.confirmQuiet() : endpoint.isQuiet)
    }

    /// Whether it may serve another request.
    @inline(never)
    func mayBeKept(at now: Deadline) -> Bool { endpoint.isQuiet && retirement > now }

    func close() {
        endpoint.takeBack()
        stream.finish()
        endpoint.close()
    }

    /// Cancels everything that may still be in progress.
    func reset() {
        endpoint.takeBack()
        guard stream.hasSentAlert else { return endpoint.reset() }
        stream.finish()
        endpoint.closeLingeringAside()
    }
}

/// The idle connections to one server, the one used last on top.
struct ConnectionPool {
    private var connections: [UpstreamConnection] = []

    var count: Int { connections.count }

    @inline(__always)
    mutating func put(
        _ connection: consuming UpstreamConnection, keeper: any EndpointKeeper, idleUntil deadline: Deadline
    ) {
        connection.enterPool(keeper: keeper, idleUntil: deadline)
        connections.append(connection)
    }

    /// The most recently used connection on which nothing has been received since; others before it are closed.
    ///
    /// - Parameter isConfirmed: also check the socket, for a request that could not be sent again.
    mutating func take(now: Deadline, isConfirmed: Bool) -> UpstreamConnection? {
        while let connection = connections.popLast() {
            if connection.leavePool(now: now, isConfirmed: isConfirmed) { return connection }
            connection.close()
        }
        return nil
    }

    /// Closes those that have ended or are too old, or all of them; true when some are left.
    mutating func sweep(now: Deadline, all: Bool) {
        var kept = 0
        for index in connections.indices {
            let connection = connections[index]
            if !all && connection.idleDeadline > now && connection.endpoint.isQuiet {
                connections[kept] = connection
                kept += 1
            } else {
                connection.close()
            }
        }
        connections.removeLast(connections.count - kept)
    }
}
