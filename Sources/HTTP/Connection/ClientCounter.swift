import Transport

/// Counts what each client has under way for the whole gateway, for connections that many clients share.
package protocol ClientCounter: AnyObject {
    /// Counts one more of the client; nil when it has as many as it may, otherwise what `leave` takes back.
    func enter(_ client: IPAddress) -> UInt64?
    func leave(_ ticket: UInt64)
}

extension ClientConnection {
    /// Counts the request as a connection of the client that a trusted proxy names; false when it has too many.
    @inline(never)
    func countNamedClient(_ exchange: Exchange) -> Bool {
        guard let counter = service.clients, let client = exchange.namedClient else { return true }
        countedClient = counter.enter(client)
        return countedClient != nil
    }

    @inline(never)
    func uncountNamedClient() {
        if let ticket = countedClient { service.clients?.leave(ticket) }
        countedClient = nil
    }
}
