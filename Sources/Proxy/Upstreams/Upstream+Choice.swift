import HTTP
import Transport

// The selection of servers by health, capacity, the client's cookie, and the balancing method.
extension Upstream {
    /// Selects a server for a request and counts the request there until `leave`; nil when none is available.
    ///
    /// Waits in the queue while every available server has its maximum number of requests.
    func place(
        for exchange: Exchange, except tried: TriedServers, until end: Deadline
    ) async throws(ForwardingFailure) -> UpstreamServer? {
        if let server = choose(for: exchange, except: tried) { return server }
        // A request that was already sent elsewhere has waited before.
        guard tried.isEmpty, isBusy else { return nil }
        return try await awaitPlace(exchange, until: end)
    }

    private func choose(for exchange: Exchange, except tried: TriedServers) -> UpstreamServer? {
        if let sticky = balancing.sticky, let server = server(of: sticky, for: exchange, except: tried) {
            return server
        }
        var request = BalancedRequest(now: worker.now)
        if case .hash(let trait) = balancing.rule {
            trait.withBytes(of: exchange) { bytes in
                var hash = StableHash()
                hash.add(bytes)
                request.key = hash.value
            }
        }
        if let server = take(except: tried, for: request) { return server }
        request.asksEjected = true
        return take(except: tried, for: request)
    }

    private func take(except tried: TriedServers, for request: BalancedRequest) -> UpstreamServer? {
        // Another worker may take the last capacity in between; the next iteration then finds the server full.
        while let server = balancer.choose(from: primaries, except: tried, for: request)
            ?? backupBalancer.choose(from: backups, except: tried, for: request)
        {
            if server.state.enter() { return server }
        }
        return nil
    }

    private func server(
        of sticky: StickySessions, for exchange: Exchange, except tried: TriedServers
    ) -> UpstreamServer? {
        guard let sign = exchange.value(ofCookie: sticky.cookie) else { return nil }
        for server in servers where server.sign.elementsEqual(sign) {
            return server.isEligible(except: tried, for: BalancedRequest(now: worker.now)) && server.state.enter()
                ? server : nil
        }
        return nil
    }

    /// The field line that binds a client to the server that answers it; nil when it is bound to it already.
    func stickyField(for server: UpstreamServer, _ exchange: Exchange) -> [UInt8]? {
        guard let sticky = balancing.sticky else { return nil }
        if let sign = exchange.value(ofCookie: sticky.cookie), server.sign.elementsEqual(sign) {
            return nil
        }
        return sticky.field(server.sign)
    }

    // MARK: Capacity

    private var isBusy: Bool {
        servers.contains { $0.mayServe(except: TriedServers(), for: BalancedRequest(now: worker.now)) }
    }

    private func awaitPlace(
        _ exchange: Exchange, until end: Deadline
    ) async throws(ForwardingFailure) -> UpstreamServer {
        let client = exchange.endpoint
        guard var waiter = state.queue.enter(client) else { throw .upstream(.queueFull) }
        let deadline = min(end, worker.now.advanced(by: settings.queueTimeout))
        while true {
            if let granted = waiter.granted {
                if let server = server(of: granted) { return server }
                // The server was removed meanwhile.
                granted.leave()
                if let server = choose(for: exchange, except: TriedServers()) { return server }
                guard let next = state.queue.enter(client) else { throw .upstream(.queueFull) }
                waiter = next
            }
            let failure: ForwardingFailure
            switch await client.wait(for: .signal | .hangup | .finished, until: deadline) {
            case .ready, .signalled, .draining: continue
            case .deadline: failure = .upstream(.queueTimeout)
            case .hangup: failure = .client(.clientGone(.reset))
            case .aborted: failure = .client(.aborted)
            }
            if !state.queue.leave(waiter), let granted = waiter.granted {
                let server = server(of: granted)
                if case .upstream = failure, let server { return server }
                if let server { leave(server) } else { granted.leave() }
            }
            throw failure
        }
    }

    /// Releases the capacity of a request, and passes it to the first waiting request.
    func leave(_ server: UpstreamServer) {
        guard server.state.isCounted else { return }
        // While a maximum was lowered, more requests than that are in progress.
        if !server.isRemoved, server.state.activeRequests <= server.state.maximumRequests ?? .max,
            server.state.isAvailable(at: worker.now), state.queue.hand(over: server.state)
        {
            return
        }
        server.state.leave()
    }
}
