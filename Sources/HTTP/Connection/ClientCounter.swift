import Transport

/// Counts the active connections of each client in the whole gateway, for connections that many clients share.
package protocol ClientCounter: AnyObject {
    /// Adds one to the client's count; nil if the client has reached its limit, otherwise the argument for `leave`.
    func enter(_ client: IPAddress) -> UInt64?
    func leave(_ ticket: UInt64)
}

extension ClientConnection {
    /// Counts the request as a connection of the client that a trusted proxy names; false if the client has too many.
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
