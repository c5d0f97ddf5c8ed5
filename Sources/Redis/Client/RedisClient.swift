import Memory
import Transport

/// The connection of one worker to a Redis server.
///
/// The commands of a turn of the worker's loop leave in one send, and their replies are matched in order. Nothing is
/// sent twice: when a connection is lost, the commands without a reply fail, and so do further ones, at once, until
/// there is another connection. Only its worker's thread uses it.
package final class RedisClient: TurnEndAction, @unchecked Sendable {
    package let settings: RedisSettings
    package let worker: Worker
    package let counters = RedisCounters()
    package weak var observer: (any RedisObserver)?

    private var state = State.idle
    private var isRetired = false
    private var hasReportedLoss = false
    /// Of each host of the URL.
    private(set) var addresses: [[SocketAddress]]
    var firstSentinel = 0

    private var stream: (any ByteStream)?
    private var outgoing: [UInt8] = []
    private var sent = 0
    private var mustFlush = false
    private var writeInterest: Interest = []
    private var readInterest: Interest = .readable
    private var isBroken = false
    private var awaitsTurnEnd = false
    private var calls = PendingCalls()

    private enum State {
        /// Without a connection and without a task that makes one.
        case idle
        /// Commands wait for the connection.
        case connecting
        case ready
        /// Commands fail, and a task tries to connect.
        case down
    }

    package init(_ settings: RedisSettings, _ worker: Worker) {
        self.settings = settings
        self.worker = worker
        switch settings.url.place {
        case .unix(let path): addresses = [SocketAddress(unixPath: path).map { [$0] } ?? []]
        case .server, .sentinels: addresses = settings.url.hosts.map { $0.address.map { [$0] } ?? [] }
        }
    }

    // MARK: Use

    /// Whether commands are sent; otherwise they wait for the first connection, or fail.
    package var isReady: Bool { state == .ready }
    /// Whether commands fail at once.
    package var isLost: Bool { state == .down }

    /// Sends a command at the end of this turn; nil if the server is lost, or the queue is full.
    ///
    /// - Parameters:
    ///   - waiter: signalled when the outcome is there.
    ///   - write: appends the command as sent.
    package func call(signalling waiter: WaitingEndpoint?, _ write: (inout [UInt8]) -> Void) -> RedisCall? {
        counters.commands.add()
        if state == .idle { begin() }
        guard state != .down, calls.count < settings.queue else {
            counters.failures.add()
            return nil
        }
        let call = RedisCall(
            waiter, deadline: worker.now.advanced(by: settings.timeout), began: worker.turnBegan)
        calls.append(call)
        write(&outgoing)
        if !awaitsTurnEnd, state == .ready {
            awaitsTurnEnd = true
            worker.atEndOfTurn(self)
        }
        return call
    }

    /// Connects, before the first command needs it.
    package func start() {
        if !isEnding { begin() }
    }

    private func begin() {
        guard state == .idle else { return }
        state = hasReportedLoss ? .down : .connecting
        let worker = worker
        Task(executorPreference: worker) { await self.run() }
    }

    /// Ends the connection when the commands in progress have their replies.
    package func retire() {
        isRetired = true
        stream?.endpoint.signalAtOnce()
    }

    /// Uses other addresses for a host of the URL, for the next connection.
    package func move(host index: Int, to addresses: [SocketAddress]) {
        self.addresses[index] = addresses
    }

    /// No connection is kept that nobody waits for.
    private var isEnding: Bool { isRetired || worker.isDraining }

    // MARK: Life of a connection

    private func run() async {
        guard let pause = Endpoint.pausing(on: worker) else {
            lose(.noDescriptor)
            state = .idle
            return
        }
        defer { pause.close() }
        var attempts: UInt64 = 0
        while true {
            let failure: RedisFailure
            do throws(RedisFailure) {
                let stream = try await connect()
                attempts = 0
                failure = await serve(stream)
            } catch {
                failure = error
            }
            guard failure != .ended, failure != .aborted, !isEnding else {
                endCalls(.failed(failure))
                state = .idle
                return
            }
            state = .down
            lose(failure)
            guard await pausing(on: pause, attempt: attempts) else {
                state = .idle
                return
            }
            attempts += 1
        }
    }

    private func lose(_ failure: RedisFailure) {
        endCalls(.failed(failure))
        guard !hasReportedLoss else { return }
        hasReportedLoss = true
        observer?.lost(self, failure)
    }

    private func endCalls(_ outcome: RedisCall.Outcome) {
        let ended = calls.removeAll()
        counters.failures.add(UInt64(ended.count))
        outgoing.removeAll(keepingCapacity: true)
        sent = 0
        for call in ended { call.end(outcome) }
    }

    /// False when the gateway ends meanwhile.
    private func pausing(on pause: Endpoint, attempt: UInt64) async -> Bool {
        let longest = min(RedisSettings.shortestPause << min(attempt, 10), RedisSettings.longestPause)
        let until = worker.now.advanced(by: .milliseconds(.random(in: longest / 2...longest)))
        while !isEnding {
            switch await pause.wait(for: .drain, until: until) {
            case .deadline: return !isEnding
            case .aborted: return false
            case .ready, .signalled, .draining, .hangup: continue
            }
        }
        return false
    }

    /// Sends commands and receives replies until the connection ends, and says why.
    private func serve(_ stream: any ByteStream) async -> RedisFailure {
        self.stream = stream
        state = .ready
        isBroken = false
        mustFlush = false
        (writeInterest, readInterest) = ([], .readable)
        counters.connections.add()
        // Those that have waited for the connection.
        calls.postpone(to: worker.now.advanced(by: settings.timeout))
        hasReportedLoss = false
        observer?.connected(self)
        let failure = await exchange(stream)
        self.stream = nil
        if failure == .ended {
            if let farewell = settings.farewell { _ = farewell.bytes.withBytes { stream.write($0) } }
            _ = stream.flush()
            stream.finish()
            stream.endpoint.close()
        } else {
            stream.endpoint.reset()
        }
        return failure
    }

    private func exchange(_ stream: any ByteStream) async -> RedisFailure {
        let endpoint = stream.endpoint
        var parser = RESPParser(settings.replies)
        var nextProbe = worker.now.advanced(by: settings.probeInterval)
        while true {
            if let failure = receive(stream, &parser) { return failure }
            send()
            if isBroken { return .closed }
            let now = worker.now
            if let first = calls.first, first.deadline <= now { return .timeout }
            if calls.isEmpty, isEnding { return .ended }
            if nextProbe <= now {
                nextProbe = now.advanced(by: settings.probeInterval)
                probe()
            }
            let until = min(calls.first?.deadline ?? nextProbe, nextProbe)
            switch await endpoint.wait(for: readInterest | writeInterest | .signal | .drain, until: until) {
            case .ready, .signalled, .draining, .hangup, .deadline: continue
            case .aborted: return .aborted
            }
        }
    }

    /// The probe's call is told from others by its object.
    private var probeCall: RedisCall?

    private func probe() {
        guard let probe = settings.probe else { return }
        probeCall = call(signalling: nil) { $0.append(contentsOf: probe.bytes) }
    }

    // MARK: Bytes

    package func turnEnded() {
        awaitsTurnEnd = false
        guard state == .ready, let endpoint = stream?.endpoint else { return }
        send()
        if isBroken || writeInterest != [] { return endpoint.signalAtOnce() }
        endpoint.shortenWait(to: settings.timeout)
    }

    private func send() {
        guard let stream, sent < outgoing.count || mustFlush else { return }
        writeInterest = []
        while true {
            let result =
                mustFlush ? stream.flush() : outgoing.withBytes { stream.write($0[sent...]) }
            switch result {
            case .bytes(let count):
                if mustFlush {
                    mustFlush = count > 0
                } else {
                    counters.sends.add()
                    sent += count
                    mustFlush = true
                }
                if !mustFlush, sent == outgoing.count {
                    outgoing.removeAll(keepingCapacity: true)
                    sent = 0
                    return
                }
            case .wouldBlock(let interest):
                writeInterest = interest
                return
            case .end, .failed:
                isBroken = true
                return
            }
        }
    }

    private func receive(_ stream: any ByteStream, _ parser: inout RESPParser) -> RedisFailure? {
        let block = worker.rentBlock()
        defer { worker.returnBlock(block) }
        while true {
            switch stream.read(into: block) {
            case .bytes(let count):
                parser.append(block.view[..<count])
                if let failure = take(&parser) { return failure }
            case .wouldBlock(let interest):
                readInterest = interest
                return nil
            case .end, .failed: return .closed
            }
        }
    }

    private func take(_ parser: inout RESPParser) -> RedisFailure? {
        do throws(RESPError) {
            while let reply = try parser.next() {
                if case .push = reply { continue }
                if let failure = deliver(reply) { return failure }
            }
            return nil
        } catch {
            return .malformed(error)
        }
    }

    private func deliver(_ reply: RESPValue) -> RedisFailure? {
        guard !calls.isEmpty else { return .unexpectedReply }
        // An error other than an unknown script concerns every command: the server is loading, full or a replica.
        if case .error(let text) = reply, !reply.isError(with: "NOSCRIPT") { return .refusal(text, isSecret: false) }
        guard let call = calls.removeFirst() else { return .unexpectedReply }
        counters.microseconds.add((worker.turnBegan &- call.began) / 1000)
        if call === probeCall {
            probeCall = nil
            observer?.probed(self, reply)
        }
        call.end(.reply(reply))
        return nil
    }
}
