import Transport

/// One check of a server, on a separate connection.
struct HealthProbe {
    private let upstream: Upstream
    private let server: UpstreamServer
    private let check: HealthCheck
    private let deadline: Deadline

    private static let responseLimit = 64 << 10

    init(_ upstream: Upstream, _ server: UpstreamServer, _ check: HealthCheck) {
        self.upstream = upstream
        self.server = server
        self.check = check
        deadline = upstream.worker.now.advanced(by: check.timeout)
    }

    func run() async -> CheckOutcome {
        var outcome = CheckOutcome.noAddress
        let order = server.places.takeOrder(at: upstream.worker.now)
        for (tried, place) in order.enumerated() {
            // The addresses may have been replaced meanwhile.
            guard place < server.addresses.count else { break }
            let end = ServerAddresses.turnEnd(of: deadline, at: upstream.worker.now, left: order.count - tried)
            outcome = .noConnection
            guard let endpoint = try? Endpoint.connect(to: server.addresses[place], on: upstream.worker) else {
                continue
            }
            defer { endpoint.reset() }
            guard let failure = await establish(endpoint, until: end) else { return await ask(over: endpoint) }
            if order.count > 1 { server.places.noteFailure(of: place, at: upstream.worker.now) }
            outcome = failure
        }
        return outcome
    }

    private func ask(over endpoint: Endpoint) async -> CheckOutcome {
        guard server.isSecure else { return await exchange(on: PlainStream(endpoint)) }
        guard let security = upstream.security else { return .noConnection }
        switch await security.secure(endpoint, to: server, until: deadline) {
        case .secured(let stream): return await exchange(on: stream)
        case .late: return .timeout
        case .failed, .aborted: return .noConnection
        }
    }

    private func establish(_ endpoint: Endpoint, until end: Deadline) async -> CheckOutcome? {
        guard await wait(for: .writable, endpoint, until: end) else { return .timeout }
        guard endpoint.connectFailure() == nil else { return .noConnection }
        guard let version = upstream.settings.proxyProtocol else { return nil }
        do throws(ForwardingFailure) {
            try endpoint.announce(ProxyAnnouncement(), version)
            return nil
        } catch {
            return .noConnection
        }
    }

    private func exchange(on stream: any ByteStream) async -> CheckOutcome {
        guard let path = check.path else { return .passed }
        // HTTP/1.0, so that the body is not chunked.
        let request = "GET \(path) HTTP/1.0\r\nHost: \(check.host ?? server.name)\r\nConnection: close\r\n\r\n"
        guard await send(Array(request.utf8), on: stream) else { return .noResponse }
        var response: [UInt8] = []
        while response.count < Self.responseLimit {
            switch receive(from: stream, into: &response) {
            case .bytes:
                if let outcome = HealthResponse(response).outcome(check, isComplete: false) { return outcome }
            case .wouldBlock(let interest):
                guard await wait(for: interest, stream.endpoint) else { return .timeout }
            case .end, .failed: return HealthResponse(response).outcome(check, isComplete: true) ?? .noResponse
            }
        }
        return HealthResponse(response).outcome(check, isComplete: true) ?? .noResponse
    }

    private func receive(from stream: any ByteStream, into response: inout [UInt8]) -> IOResult {
        let block = upstream.worker.rentBlock()
        defer { upstream.worker.returnBlock(block) }
        let result = stream.read(into: block)
        if case .bytes(let count) = result { response.append(contentsOf: block.view[..<count]) }
        return result
    }

    private func send(_ bytes: [UInt8], on stream: any ByteStream) async -> Bool {
        var sent = 0
        while true {
            let result =
                sent < bytes.count
                ? bytes.withBytes { stream.write($0[sent...]) }
                : stream.flush()
            switch result {
            case .bytes(let count):
                if sent == bytes.count { return true }
                sent += count
            case .wouldBlock(let interest):
                guard await wait(for: interest, stream.endpoint) else { return false }
            case .end, .failed: return false
            }
        }
    }

    private func wait(for interest: Interest, _ endpoint: Endpoint, until end: Deadline? = nil) async -> Bool {
        while true {
            switch await endpoint.wait(for: interest, until: end ?? deadline) {
            case .ready, .hangup: return true
            case .signalled, .draining: continue
            case .deadline, .aborted: return false
            }
        }
    }
}

/// The part of the response to a check that has been received.
struct HealthResponse {
    private let received: [UInt8]

    init(_ received: [UInt8]) {
        self.received = received
    }

    /// Nil while more data is needed.
    func outcome(_ check: HealthCheck, isComplete: Bool) -> CheckOutcome? {
        guard received.count >= 12 else { return isComplete ? .noResponse : nil }
        guard let status else { return .noResponse }
        guard check.statuses.contains(status) else { return .wrongStatus(status) }
        guard let text = check.body else { return .passed }
        if let start = bodyStart, Self.contains(received[start...], text) { return .passed }
        return isComplete ? .wrongBody : nil
    }

    /// The status of `HTTP/1.1 200` (RFC 9112 §4).
    private var status: Int? {
        guard received.starts(with: Array("HTTP/1.".utf8)), received[8] == UInt8(ascii: " ") else { return nil }
        let digits = received[9..<12]
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private var bodyStart: Int? {
        let end = Array("\r\n\r\n".utf8)
        return received.indices.dropLast(3).first { received[$0..<$0 + 4].elementsEqual(end) }.map { $0 + 4 }
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ text: [UInt8]) -> Bool {
        guard bytes.count >= text.count else { return false }
        return (bytes.startIndex...bytes.endIndex - text.count).contains { bytes[$0...].starts(with: text) }
    }
}
