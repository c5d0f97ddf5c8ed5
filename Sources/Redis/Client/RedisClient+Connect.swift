import Memory
import Transport

// Connections, and what is said first.
extension RedisClient {
    /// A connection to the server, or to the present master, that is ready for commands.
    func connect() async throws(RedisFailure) -> any ByteStream {
        switch settings.url.place {
        case .unix: return try await connect(toAnyOf: addresses[0], name: "localhost", isMasterNeeded: false)
        case .server(let host):
            return try await connect(toAnyOf: addresses[0], name: host.name, isMasterNeeded: false)
        case .sentinels(let hosts, let master):
            let address = try await askSentinels(hosts, for: master)
            return try await connect(toAnyOf: [address], name: address.host, isMasterNeeded: true)
        }
    }

    private func connect(
        toAnyOf addresses: [SocketAddress], name: String, isMasterNeeded: Bool
    ) async throws(RedisFailure) -> any ByteStream {
        var failure = RedisFailure.noAddress
        for address in addresses {
            let conversation: RedisConversation
            do throws(RedisFailure) {
                conversation = try await open(address, name: name)
            } catch {
                failure = error
                continue
            }
            do throws(RedisFailure) {
                try await greet(conversation, isMasterNeeded: isMasterNeeded)
                return conversation.stream
            } catch {
                conversation.stream.endpoint.reset()
                failure = error
            }
        }
        throw failure
    }

    private func open(_ address: SocketAddress, name: String) async throws(RedisFailure) -> RedisConversation {
        let endpoint: Endpoint
        do throws(TransportFailure) {
            endpoint = try Endpoint.connect(to: address, on: worker)
        } catch {
            throw .connectFailed(error)
        }
        let deadline = worker.now.advanced(by: settings.connectTimeout)
        do throws(RedisFailure) {
            try await RedisConversation.wait(for: .writable, endpoint, until: deadline, late: .connectTimeout)
            if let failure = endpoint.connectFailure() { throw .connectFailed(failure) }
            guard settings.url.isSecure else {
                return RedisConversation(PlainStream(endpoint), until: deadline, settings.replies)
            }
            guard let security = settings.security else { throw .handshakeFailed("no TLS") }
            switch await security.secure(endpoint, to: name, until: deadline) {
            case .secured(let stream): return RedisConversation(stream, until: deadline, settings.replies)
            case .failed(let reason): throw .handshakeFailed(reason)
            }
        } catch {
            endpoint.reset()
            throw error
        }
    }

    // MARK: Greeting

    /// Negotiates the version, says who the gateway is, selects the database, and tries what the server is needed for.
    private func greet(_ conversation: RedisConversation, isMasterNeeded: Bool) async throws(RedisFailure) {
        try await authenticate(conversation)
        let url = settings.url
        if url.database != 0 {
            let reply = try await conversation.ask(RedisCommand("SELECT", "\(url.database)"))
            if case .error(let text) = reply { throw .refusal(text, isSecret: false) }
        }
        if isMasterNeeded {
            let reply = try await conversation.ask(RedisCommand("ROLE"))
            if case .error(let text) = reply { throw .refusal(text, isSecret: false) }
            guard reply.elements?.first?.text == "master" else { throw .notMaster }
        }
        guard let probe = settings.probe else { return }
        let reply = try await conversation.ask(probe)
        if case .error(let text) = reply { throw .refusal(text, isSecret: false) }
        observer?.probed(self, reply)
    }

    /// HELLO 3; a server before version 6 does not know it, and is used with RESP2.
    private func authenticate(_ conversation: RedisConversation) async throws(RedisFailure) {
        let url = settings.url
        var hello = ["HELLO", "3"]
        if let password = url.password { hello += ["AUTH", url.user ?? "default", password] }
        switch try await conversation.ask(RedisCommand(hello.map { Array($0.utf8) })) {
        case .map, .array: return
        case .error(let text):
            let isUnknown = text.starts(with: "ERR unknown command".utf8) || text.starts(with: "NOPROTO".utf8)
            guard isUnknown else { throw .refusal(text, isSecret: true) }
        default: throw .unexpectedReply
        }
        guard let password = url.password else { return }
        let credentials = ["AUTH"] + [url.user, password].compactMap(\.self)
        switch try await conversation.ask(RedisCommand(credentials.map { Array($0.utf8) })) {
        case .simple: return
        case .error(let text): throw .refusal(text, isSecret: true)
        default: throw .unexpectedReply
        }
    }

    // MARK: Sentinels

    /// The address of the present master, by the first sentinel that knows it
    /// (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
    private func askSentinels(_ hosts: [RedisHost], for master: String) async throws(RedisFailure) -> SocketAddress {
        var failure = RedisFailure.noAddress
        for offset in hosts.indices {
            let index = (firstSentinel + offset) % hosts.count
            for address in addresses[index] {
                do throws(RedisFailure) {
                    let found = try await ask(address, hosts[index], for: master)
                    firstSentinel = index
                    return found
                } catch {
                    // That one is not there says less than what another says.
                    failure = error
                }
            }
        }
        throw failure
    }

    private func ask(
        _ address: SocketAddress, _ host: RedisHost, for master: String
    ) async throws(RedisFailure) -> SocketAddress {
        let conversation = try await open(address, name: host.name)
        defer { conversation.stream.endpoint.reset() }
        let reply = try await conversation.ask(RedisCommand("SENTINEL", "get-master-addr-by-name", master))
        if case .error(let text) = reply { throw .refusal(text, isSecret: false) }
        guard let parts = reply.elements, parts.count == 2, let name = parts[0].text, let digits = parts[1].text,
            let port = UInt16(digits)
        else { throw reply == .null ? .noMaster : .unexpectedReply }
        guard let ip = IPAddress(name) else { throw .namedMaster }
        return SocketAddress(ip, port: port)
    }
}

/// Commands and their replies one after the other, at the beginning of a connection.
struct RedisConversation {
    let stream: any ByteStream
    private let deadline: Deadline
    private let limits: RESPParser.Limits

    init(_ stream: any ByteStream, until deadline: Deadline, _ limits: RESPParser.Limits) {
        self.stream = stream
        self.deadline = deadline
        self.limits = limits
    }

    /// The reply to a command; nothing may follow it.
    func ask(_ command: RedisCommand) async throws(RedisFailure) -> RESPValue {
        try await send(command.bytes)
        var parser = RESPParser(limits)
        while true {
            switch receive(into: &parser) {
            case .bytes:
                guard let reply = try next(&parser) else { continue }
                guard !parser.isWithinReply else { throw .unexpectedReply }
                return reply
            case .wouldBlock(let interest): try await wait(for: interest)
            case .end, .failed: throw .closed
            }
        }
    }

    private func next(_ parser: inout RESPParser) throws(RedisFailure) -> RESPValue? {
        do throws(RESPError) {
            return try parser.next()
        } catch {
            throw .malformed(error)
        }
    }

    private func receive(into parser: inout RESPParser) -> IOResult {
        let worker = stream.endpoint.worker
        let block = worker.rentBlock()
        defer { worker.returnBlock(block) }
        let result = stream.read(into: block)
        if case .bytes(let count) = result { parser.append(block.view[..<count]) }
        return result
    }

    private func send(_ bytes: [UInt8]) async throws(RedisFailure) {
        var sent = 0
        while true {
            let result = sent < bytes.count ? bytes.withBytes { stream.write($0[sent...]) } : stream.flush()
            switch result {
            case .bytes(let count):
                if sent == bytes.count, count == 0 { return }
                if sent < bytes.count { sent += count }
            case .wouldBlock(let interest): try await wait(for: interest)
            case .end, .failed: throw .closed
            }
        }
    }

    private func wait(for interest: Interest) async throws(RedisFailure) {
        try await Self.wait(for: interest, stream.endpoint, until: deadline, late: .timeout)
    }

    static func wait(
        for interest: Interest, _ endpoint: Endpoint, until deadline: Deadline, late: RedisFailure
    ) async throws(RedisFailure) {
        while true {
            switch await endpoint.wait(for: interest, until: deadline) {
            case .ready, .hangup: return
            case .signalled, .draining: continue
            case .deadline: throw late
            case .aborted: throw .aborted
            }
        }
    }
}
