import Glibc
import HTTP
import Memory
import Transport

/// The handler that passes a request to an extension's pool and sends its response to the client.
///
/// One per route and worker, so that workers share no reference counts. It runs in the connection's task on its worker.
/// Extension code runs on the pool's threads, or on the worker's thread while its loop is lent; the session is the only
/// object that both sides use.
package final class ExtensionDispatcher: RequestHandler {
    private let queue: ExtensionRequestQueue
    private let application: ExtensionApplication
    let worker: Worker
    private let requestTimeout: Delay
    /// How a chunked body is collected before the extension is called, so that its length is known; nil to call the
    /// extension as soon as its read-ahead is full.
    private let spooling: Spool.Limits?
    private let reporter: any ExtensionReporter
    /// Whether requests are counted, and their times are noted.
    private let keepsTimes: Bool
    private let naming: ScriptNaming
    private let root: OwnedBytes

    private let busy = ExtensionDispatcher.message(503, "the extension's queue is full", retryAfter: 1)
    private let failed = ExtensionDispatcher.message(500, "the extension gave no response")
    private let refused = ExtensionDispatcher.message(500, "the extension could not be loaded")
    private let crashed = ExtensionDispatcher.message(502, "the extension's process has ended")
    private let unavailable = ExtensionDispatcher.message(503, "the extension is stopped", retryAfter: 10)
    private let timedOut = ExtensionDispatcher.message(504, "the extension did not answer in time")

    /// How long output may be held back for more before it is sent.
    static let flushDelay = Delay.milliseconds(2)

    /// - Parameters:
    ///   - queue: the worker's request queue of the extension.
    ///   - worker: the worker that uses this dispatcher.
    ///   - naming: which part of the path names the extension.
    package init(
        queue: ExtensionRequestQueue, application: ExtensionApplication, worker: Worker, naming: ScriptNaming,
        requestTimeout: Delay, spooling: Spool.Limits? = nil, keepsTimes: Bool = false,
        reporter: any ExtensionReporter
    ) {
        self.queue = queue
        self.application = application
        self.worker = worker
        self.requestTimeout = requestTimeout
        self.spooling = spooling
        self.keepsTimes = keepsTimes
        self.reporter = reporter
        self.naming = naming
        root = OwnedBytes(Array(application.physicalPath.utf8))
    }

    /// Inlined with `relay` into one function: each function that waits takes memory of its task's stack, which is
    /// allocated and freed for every request.
    @inline(__always)
    package func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        if queue.handle == nil {
            guard !exchange.withPath({ path in PathMapping.climbs(path) }) else {
                throw .rejected(.pathEscapesRoot)
            }
            guard try await waitForHandle(exchange) else { return }
        }
        guard let handle = queue.handle, let session = makeSession(exchange, handle) else {
            throw .rejected(.pathEscapesRoot)
        }
        let submissions = handle.submissions
        if !exchange.hasBodyEnded {
            do throws(ExchangeFailure) {
                try await readAhead(session, exchange)
            } catch {
                session.withdraw()
                throw error
            }
        }
        guard submissions.add(session, on: worker) else {
            session.withdraw()
            count(.queueFull)
            report("queue full", exchange)
            exchange.fail(busy)
            return
        }
        do throws(ExchangeFailure) {
            if try await relay(session, exchange, promptly: submissions.promisesToRun) { submissions.release(session) }
        } catch {
            abandon(session, exchange)
            throw error
        }
    }

    /// Begins a request that is likely to run, and to be complete, at the end of this turn.
    package func begin(_ exchange: Exchange) -> BegunRequest? {
        guard let handle = queue.handle, handle.submissions.isLikelyToRun(on: worker),
            let session = makeSession(exchange, handle)
        else { return nil }
        guard handle.submissions.add(session, on: worker) else {
            session.withdraw()
            return nil
        }
        return session
    }

    package func complete(_ exchange: Exchange, begun request: BegunRequest) -> Bool {
        guard let session = request as? ExtensionSession else { preconditionFailure("a session was begun") }
        guard let events = session.takeLastEvents(), let outcome = events.outcome else { return false }
        var framed: ChunkedBody?
        deliver(events, &framed, exchange)
        conclude(outcome, framed, session, exchange)
        // The extension may have been loaded anew meanwhile; idle sessions belong to none.
        if let handle = queue.handle { handle.submissions.release(session) } else { session.release() }
        return true
    }

    package func handle(_ exchange: Exchange, begun request: BegunRequest) async throws(ExchangeFailure) {
        guard let session = request as? ExtensionSession else { preconditionFailure("a session was begun") }
        do throws(ExchangeFailure) {
            if try await relay(session, exchange, promptly: false) { session.release() }
        } catch {
            abandon(session, exchange)
            throw error
        }
    }

    /// Waits until the queue has a handle; false when there is none and the request has been answered.
    ///
    /// Separate from `handle`, whose frame every pending request keeps.
    @inline(never)
    private func waitForHandle(_ exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        if exchange.keepsTimes { exchange.noteQueued(at: worker.now) }
        switch try await queue.wait(at: exchange.endpoint, until: worker.now.advanced(by: requestTimeout)) {
        case .loaded: return true
        case .refused:
            count(.notLoaded)
            exchange.fail(refused)
        case .timedOut:
            count(.notLoaded)
            report("not loaded within the request timeout", exchange)
            exchange.fail(timedOut)
        }
        return false
    }

    // MARK: To the extension

    /// Begins a session for the request; nil when the path leads above the root.
    private func makeSession(_ exchange: Exchange, _ handle: ExtensionHandle) -> ExtensionSession? {
        exchange.withPath { path in
            guard !PathMapping.climbs(path) else { return nil }
            let (nameEnd, infoStart) = naming.split(path)
            let (scriptName, pathInfo) = (path[..<nameEnd], path[infoStart...])
            guard pathInfo.count > 1 else { return makeSession(exchange, handle, scriptName, pathInfo, root.view) }
            return translate(pathInfo).withBytes { makeSession(exchange, handle, scriptName, pathInfo, $0) }
        }
    }

    private func makeSession(
        _ exchange: Exchange, _ handle: ExtensionHandle, _ scriptName: ByteView, _ pathInfo: ByteView,
        _ translated: ByteView
    ) -> ExtensionSession {
        handle.use(at: worker.now)
        exchange.noteHandOver(at: worker.now)
        let session = handle.submissions.takeSession()
        // Not in a closure of `withConnection`, which would count more references.
        let connection = exchange.connection
        let request = ExtensionRequest(
            head: exchange.head, headBytes: exchange.headBytes, fields: exchange.fields,
            scriptName: scriptName, pathInfo: pathInfo, translatedPath: translated,
            origin: origin(of: exchange, on: connection), application: application,
            keepAlive: exchange.willKeepAlive, requestID: exchange.requestID, trace: exchange.traceContext,
            user: exchange.user)
        // It is asked for before the end.
        if exchange.keepsTimes { exchange.setLogExtension(application.poolName, pool: application.processPool) }
        session.begin(
            request, handle: handle, notifier: connection.endpoint,
            times: SessionTimes(queued: keepsTimes ? worker.turnBegan : nil, areExact: exchange.keepsTimes))
        return session
    }

    /// PATH_INFO under the site's folder; a normalized path cannot lead out of it.
    private func translate(_ pathInfo: ByteView) -> [UInt8] {
        var translated = Array(root.view) + pathInfo.dropFirst()
        if application.paths == .windows {
            for index in root.view.count..<translated.count where translated[index] == UInt8(ascii: "/") {
                translated[index] = PathStyle.windows.separator
            }
        }
        return translated
    }

    /// Created once for a connection, or for each client that a proxy names on it.
    private func origin(of exchange: Exchange, on connection: ClientConnection) -> RequestOrigin {
        if let known = connection.attachment {
            let origin = unsafe unsafeDowncast(known, to: RequestOrigin.self)
            if origin.namedClient == exchange.namedClient { return origin }
        }
        let client = exchange.clientAddress
        let endpoint = connection.endpoint
        let security = connection.stream.security
        let origin = RequestOrigin(
            localAddress: endpoint.localAddress.host, localPort: endpoint.localAddress.port,
            remoteAddress: client.host, remotePort: client.port, namedClient: exchange.namedClient,
            serverName: security?.serverName ?? endpoint.localAddress.host, security: security)
        connection.attachment = origin
        return origin
    }

    /// Reads the part of an unfinished body that the extension receives in its control block.
    @inline(never)
    private func readAhead(_ session: ExtensionSession, _ exchange: Exchange) async throws(ExchangeFailure) {
        if let spooling, exchange.head.framing == .chunked { try await collectBody(spooling, session, exchange) }
        var total = 0
        while session.readAheadRoom > 0, let piece = try await exchange.readBody() {
            total += piece.count
            let taken = session.appendReadAhead(piece)
            if taken < piece.count {
                session.supplyBody(piece[taken...], on: worker)
            }
        }
        guard exchange.hasBodyEnded else { return }
        session.bodyEnded(on: worker)
        if exchange.head.framing == .chunked { session.setKnownLength(UInt64(total)) }
    }

    /// Waits for the end of the body; the body is then read again from where it was collected.
    private func collectBody(
        _ limits: Spool.Limits, _ session: ExtensionSession, _ exchange: Exchange
    ) async throws(ExchangeFailure) {
        let spool = Spool(limits)
        switch try await exchange.collectBody(into: spool) {
        case nil:
            session.setKnownLength(UInt64(spool.count))
            exchange.replayBody(from: spool)
        case .tooLarge: throw .rejected(.bodyTooLarge)
        case .system(let code):
            report("no room to hold the request: \(systemText(code))", exchange)
            throw .rejected(.bodyNotHeld)
        }
    }

    // MARK: From the extension

    /// Sends what the extension writes and reads what it requests, until its response is complete.
    ///
    /// - Parameter promptly: whether the response is likely to be complete at the end of this turn.
    /// - Returns: whether the session has to be released; it is abandoned otherwise. On an error the caller keeps it.
    @inline(__always)
    private func relay(
        _ session: ExtensionSession, _ exchange: Exchange, promptly: Bool
    ) async throws(ExchangeFailure) -> Bool {
        let endpoint = exchange.endpoint
        let deadline = worker.now.advanced(by: requestTimeout)
        // A response that is likely to be complete within this turn needs no other deadline, unless `expectDelay` is
        // called: setting a deadline costs more than the rest of this function.
        var flushDeadline = promptly ? Deadline.never : worker.now.advanced(by: Self.flushDelay)
        var isPrompt = false
        var body = BodyWait()
        var framed: ChunkedBody?
        var isWaiting = true
        while true {
            if isWaiting {
                let next = min(flushDeadline, deadline, body.deadline)
                switch await endpoint.wait(for: .signal | .hangup | body.interest, until: next) {
                case .deadline where worker.now >= deadline:
                    try timeOut(session, exchange)
                    return false
                case .deadline where worker.now >= body.deadline:
                    try judgeBody(session, exchange)
                    body = BodyWait()
                case .deadline:
                    isPrompt = true
                    session.setPrompt()
                case .signalled, .ready, .draining: break
                case .hangup: throw .clientGone(.reset)
                case .aborted: throw .aborted
                }
                if isPrompt {
                    flushDeadline = .never
                } else if flushDeadline == .never {
                    flushDeadline = worker.now.advanced(by: Self.flushDelay)
                }
            }
            let (step, isBodyWanted) = takeEvents(of: session, &framed, exchange)
            isWaiting = step != .commands
            switch step {
            case .ended: return true
            case .commands:
                // Signals for what was done may have arrived meanwhile, and one for this session among them.
                guard try await runCommands(session, framed, exchange) else { return false }
                continue
            case .wait, .flush:
                body = isBodyWanted ? try supplyBody(session, exchange) : BodyWait()
                // A small response is complete before the delay has passed and is sent together with others. Responses
                // to earlier requests must not wait for this one longer than that, nor for its body.
                let isDue = isPrompt || body.isUnderWay
                if step == .flush || isDue && exchange.outputCount > 0 { try await exchange.flush() }
            }
        }
    }

    /// The next step of the worker for a request.
    private enum Step: BitwiseCopyable {
        case wait, flush, commands
        /// The response is complete.
        case ended
    }

    /// Sends what the extension has for its client, and returns whether a read waits for more of the body.
    ///
    /// Separate from the loop, whose frame every pending request keeps.
    @inline(never)
    private func takeEvents(
        of session: ExtensionSession, _ framed: inout ChunkedBody?, _ exchange: Exchange
    ) -> (Step, isBodyWanted: Bool) {
        let events = session.takeEvents()
        deliver(events, &framed, exchange)
        if events.hasCommands { return (.commands, false) }
        if let outcome = events.outcome {
            conclude(outcome, framed, session, exchange)
            return (.ended, false)
        }
        let hasOutput = events.head != nil || !events.body.isEmpty
        return (hasOutput ? .flush : .wait, events.isBodyWanted)
    }

    /// The buffer for more of the body and the deadline of the wait; empty while no body is wanted.
    private struct BodyWait: BitwiseCopyable {
        var interest = Interest()
        var deadline = Deadline.never

        var isUnderWay: Bool { interest != Interest() }
    }

    private func deliver(_ events: SessionEvents, _ framed: inout ChunkedBody?, _ exchange: Exchange) {
        if let head = events.head, !exchange.isResponseBegun {
            if head.framesItself { framed = ChunkedBody() }
            let leavesBody = events.outcome != nil && exchange.leavesBodyUnread
            exchange.beginResponse(
                status: head.status, reason: events.reason, fields: events.fields,
                length: length(of: head, events, exchange),
                keepAlive: !head.closesConnection && events.outcome?.closesConnection != true && !leavesBody)
        }
        guard !events.body.isEmpty else { return }
        write(events.body, framed, exchange)
    }

    /// Appends to the body, unless the response has ended.
    func write(_ bytes: ByteView, _ framed: ChunkedBody?, _ exchange: Exchange) {
        guard exchange.isResponseBegun, !exchange.isResponseFinished else { return }
        guard let framed else {
            if exchange.write(bytes) > 0 { report("body longer than its Content-Length", exchange) }
            return
        }
        do throws(RequestRejection) {
            try framed.take(bytes) { content in exchange.write(content) }
        } catch {
            report("its chunked body is malformed: \(error.reason)", exchange)
            exchange.cutResponse()
        }
    }

    /// Ends the response, unless it has ended.
    func finish(_ framed: ChunkedBody?, _ exchange: Exchange) {
        guard exchange.isResponseBegun, !exchange.isResponseFinished else { return }
        if let framed, !framed.hasEnded {
            report("its chunked body has no end", exchange)
            exchange.cutResponse()
        } else if !exchange.finish() {
            report("body shorter than its Content-Length", exchange)
        }
    }

    private func length(
        of head: ExtensionResponseHead, _ events: SessionEvents, _ exchange: Exchange
    ) -> BodyLength {
        if head.framesItself { return .unknown }
        if let declared = head.contentLength { return .known(declared) }
        // For a HEAD request an extension may omit the body whose length it does not declare.
        let bodyCount = events.body.count
        let declaresLength = bodyCount > 0 || exchange.head.method != .head
        // A response that a failure has cut off must not look complete.
        let isCut = events.outcome.map { Self.isCutOff($0, status: head.status) } ?? false
        let isWhole = events.isWholeResponse && !isCut
        return isWhole && declaresLength ? .known(UInt64(bodyCount)) : .unknown
    }

    /// Whether a body without a declared length has been cut off by the extension's failure.
    ///
    /// An error page counts as complete: some extensions return HSE_STATUS_ERROR after each error page.
    private static func isCutOff(_ outcome: SessionOutcome, status: Int) -> Bool {
        if case .processEnded = outcome.ending { return true }
        return outcome.isError && status < 300
    }

    private func conclude(
        _ outcome: SessionOutcome, _ framed: ChunkedBody?, _ session: ExtensionSession, _ exchange: Exchange
    ) {
        exchange.setLogExtension(application.poolName, pool: application.processPool)
        if let waited = outcome.waited {
            queue.counters.note(outcome)
            exchange.noteExtensionTimes(waited: waited, ran: outcome.ran)
        }
        if !outcome.flaws.isEmpty { report("left out of a response: \(outcome.flaws.description)", exchange) }
        switch outcome.ending {
        case .complete: break
        case .silent: report("returned without a response", exchange)
        case .failed: report("returned HSE_STATUS_ERROR", exchange)
        case .unknownStatus(let status): report("returned the unknown status \(status)", exchange)
        case .exhausted: report("no control block left", exchange)
        case .processEnded(let ending): report("its process \(ending) while it ran this request", exchange)
        case .unavailable: report("it has no process at present", exchange)
        }
        if let page = page(for: outcome.ending), !exchange.isResponseBegun {
            exchange.fail(page)
        } else if !exchange.isResponseBegun {
            exchange.fail(failed, keepAlive: !outcome.closesConnection && outcome.ending == .silent)
        } else if Self.isCutOff(outcome, status: exchange.status), framed?.hasEnded != true {
            if !exchange.isResponseFinished { exchange.cutResponse() }
        } else {
            finish(framed, exchange)
        }
        if outcome.resetsConnection { exchange.resetAfterResponse() }
        if outcome.substatus != 0 { exchange.setLogSubstatus(outcome.substatus) }
        if outcome.closesConnection { exchange.closeAfterResponse() }
        if let status = outcome.logStatus { exchange.setLogStatus(status) }
        if outcome.hasLogText, let text = session.logText { exchange.setLogParameter(text) }
    }

    /// The response where the extension could not run; nil if it did.
    private func page(for ending: SessionOutcome.Ending) -> FixedResponse? {
        switch ending {
        case .processEnded: crashed
        case .unavailable: unavailable
        case .complete, .silent, .failed, .unknownStatus, .exhausted: nil
        }
    }

    /// Passes the available body bytes to the extension; otherwise returns what to wait for, and until when.
    private func supplyBody(
        _ session: ExtensionSession, _ exchange: Exchange
    ) throws(ExchangeFailure) -> BodyWait {
        do throws(ExchangeFailure) {
            switch try exchange.readBodyNow() {
            case .content(let piece): session.supplyBody(piece, on: worker)
            case .ended: break
            case .wouldBlock(let interest): return BodyWait(interest: interest, deadline: exchange.bodyDeadline)
            }
            if exchange.hasBodyEnded { session.bodyEnded(on: worker) }
        } catch {
            try bodyFailed(error, session, exchange)
        }
        return BodyWait()
    }

    /// A client that sends the body too slowly gets no more time.
    private func judgeBody(_ session: ExtensionSession, _ exchange: Exchange) throws(ExchangeFailure) {
        do throws(ExchangeFailure) {
            try exchange.judgeBody()
        } catch {
            try bodyFailed(error, session, exchange)
        }
    }

    /// The rest of the body cannot be read; if the client caused this, it gets an error response, unless the extension
    /// has answered by then.
    private func bodyFailed(
        _ failure: ExchangeFailure, _ session: ExtensionSession, _ exchange: Exchange
    ) throws(ExchangeFailure) {
        if case .rejected(let rejection) = failure {
            guard exchange.isResponseBegun else { throw failure }
            report("the request ended early: \(rejection.reason)", exchange)
        }
        session.bodyFailed(on: worker)
    }

    /// `request_timeout` has expired.
    private func timeOut(_ session: ExtensionSession, _ exchange: Exchange) throws(ExchangeFailure) {
        count(.timeout)
        report("no response within the request timeout", exchange)
        queue.handle?.module.requestTimedOut(session)
        guard !exchange.isResponseBegun else { throw .aborted }
        abandon(session, exchange)
        exchange.fail(timedOut, keepAlive: false)
    }

    private func count(_ failure: ExtensionCounters.Failure) {
        if keepsTimes { queue.counters.note(failure) }
    }

    func report(_ problem: String, _ exchange: Exchange) {
        reporter.report(
            "extension \(queue.name): \(problem)", request: exchange.requestID, worker: exchange.endpoint.worker.index)
    }
}
