import COpenSSL
import Glibc
import Memory
import Transport

/// A TLS connection on an endpoint: the server's side for clients, the client's side for upstream servers.
///
/// OpenSSL performs the handshake. After it, records of TLS 1.3 are sealed and opened here, and the session is freed:
/// records are written into a rented block, as many as fit, and sent in one `send`. Those of TLS 1.2 come from OpenSSL,
/// into the same block if there is more than one.
@safe
package final class TLSStream: RecordChannel, ByteStream {
    package let endpoint: Endpoint
    /// OpenSSL's session; nil once it is not needed any more.
    private(set) var session: SessionReference?
    let isServer: Bool
    /// The data of the handshake's callbacks; nil once it is complete.
    private var negotiation: Negotiation?
    /// Both directions after the handshake; nil if OpenSSL handles the records.
    var layer: RecordLayer?
    private var facts: NegotiatedFacts?
    /// The resumable session of a client's session, kept before that was freed.
    private var keptResumption: TLSResumption?

    /// Received and unused bytes.
    var received = ReceivedBytes()
    private var feed = RecordFeed()
    /// A record that OpenSSL has to read for the ticket in it, after the handshake.
    private var ticketRecord = ByteView()
    /// How reading has ended, to be returned after the bytes that were read before.
    var readingEnd: IOResult?
    /// Whether the peer waits for a key update, or has to be asked for one, when there is space for the record.
    var owesKeyUpdate = false
    var wantsKeyUpdate = false

    /// Records that the socket has not accepted yet: `held[heldStart..<heldEnd]`.
    var held: MutableByteView?
    var heldStart = 0
    var heldEnd = 0
    /// While set, records are collected instead of sent one by one.
    private var isCorked = false
    /// While set, a record may be sent at the end of the worker's turn.
    var leavesLate = false
    var sendFailure: TransportFailure?
    private(set) var didHandshake = false
    var hasFailed = false
    /// OpenSSL sends an alert for every failure, except on connections that are gone.
    package var hasSentAlert: Bool { hasFailed && sendFailure == nil }

    /// The maximum size of a record of TLS 1.2 or 1.3 with its header, padding and tag, in bytes.
    private static let recordSize = RecordSealer.mostContent + 512

    /// - Throws: `TLSError` when OpenSSL cannot allocate a session.
    ///
    /// - Parameter challenges: certificates that answer validations of an authority.
    package init(
        _ endpoint: Endpoint, certificates: CertificateStore, challenges: ChallengeCertificates? = nil
    ) throws(TLSError) {
        guard let session = SessionReference(of: certificates.initial.object) else {
            throw TLSError("create TLS session")
        }
        let negotiation = Negotiation(certificates, challenges: challenges)
        self.endpoint = endpoint
        self.session = session
        self.negotiation = negotiation
        isServer = true
        super.init()
        negotiation.begin(session.object)
        session.attach(to: self)
        session.beginAsServer()
    }

    /// The client's side of a connection to a server.
    ///
    /// - Parameters:
    ///   - name: the host name or IP address to send and to find in the certificate.
    ///   - resumption: from an earlier connection of the same context to the same server.
    /// - Throws: `TLSError` when OpenSSL cannot create a session for that name.
    package init(
        _ endpoint: Endpoint, to name: String, client: TLSClientContext, resuming resumption: TLSResumption? = nil
    ) throws(TLSError) {
        let session = try client.makeSession(for: name)
        // An expired one is ignored, and the handshake is a full one.
        if let resumption { session.resume(resumption) }
        self.endpoint = endpoint
        self.session = session
        isServer = false
        super.init()
        session.attach(to: self)
        session.beginAsClient()
    }

    deinit {
        if let session { unsafe session.uncheckedFree() }
        layer?.forget()
        endHandshakeRecords()
        received.discard(endpoint.worker)
        releaseHeld()
    }

    /// The session that the next connection to this server may resume; nil while the server has sent no ticket.
    ///
    /// TLS 1.3 servers send it after the handshake, so it is available once their first bytes have been read.
    package func resumption() -> TLSResumption? {
        guard let session else { return keptResumption }
        guard let known = session.resumption(), known.isResumable else { return nil }
        return known.0
    }

    // MARK: Facts

    package private(set) lazy var security: SecurityDescription? = facts?.describe(site: site)
    package var isSecure: Bool { true }

    /// What the handshake has negotiated; nil before it is complete.
    package var handshakeFacts: HandshakeFacts? { facts?.summarize(hasOwnRecords: layer != nil) }

    /// Whether the handshake resumed an earlier session instead of proving the certificate again.
    package var isResumed: Bool { facts?.isResumed == true }

    /// The protocol selected by ALPN; nil if the client offered none.
    package var applicationProtocol: String? { facts?.applicationProtocol }

    /// The site whose certificate was presented, by its first host; nil before the handshake is complete.
    package private(set) var site: String?

    // MARK: Handshake

    /// Performs the handshake with the client until it is complete or has failed, or `deadline` has passed.
    package func handshake(until deadline: Deadline) async -> HandshakeOutcome {
        while true {
            if let outcome = shakeHands() { return outcome }
            let interest: Interest = hasHeld ? .readable | .writable : .readable
            switch await endpoint.wait(for: interest, until: deadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline: return .failed("handshake not finished in time")
            case .aborted: return .failed("gateway stopped")
            }
        }
    }

    /// Continues as far as possible without waiting; nil when it is not complete.
    private func shakeHands() -> HandshakeOutcome? {
        guard let session else { return .done }
        defer { received.shrink(endpoint.worker) }
        ERR_clear_error()
        let result = session.shakeHands()
        if case .failed(let failure) = flush() {
            ERR_clear_error()
            return .failed(reason(of: failure))
        }
        if result == 1 {
            // A ticket that could not be read is among them.
            ERR_clear_error()
            didHandshake = true
            endNegotiation()
            facts = NegotiatedFacts(of: session)
            takeOverRecords(of: session)
            return .done
        }
        if session.error(of: result) == SSL_ERROR_WANT_READ { return nil }
        hasFailed = true
        return .failed(handshakeFailureReason(session))
    }

    /// Nothing is negotiated after the handshake, and a long connection must not keep replaced certificates alive.
    private func endNegotiation() {
        site = negotiation?.site?.label
        if let session { Negotiation.end(session.object) }
        negotiation = nil
    }

    /// Takes the records over from OpenSSL, if they are of a supported kind and proved to be right.
    private func takeOverRecords(of session: SessionReference) {
        defer { endHandshakeRecords() }
        guard let handshakeRecords, RecordProtection.failure == nil else { return }
        do throws(RecordLayer.Refusal) {
            layer = try RecordLayer.takingOver(
                session, handshakeRecords, isAtBoundary: feed.isAtBoundary,
                contexts: endpoint.worker.companion { ConnectionContexts() })
        } catch {
            if error == .unproven { RecordProtection.noteRefusal() }
            return
        }
        // A client's session still has to read the server's tickets.
        if isServer { freeSession() }
    }

    /// Frees OpenSSL's session; the negotiated facts are kept.
    func freeSession() {
        guard let session else { return }
        if !isServer { keptResumption = resumption() }
        // Otherwise OpenSSL would count it as broken, and search it among the resumable ones.
        session.countAsEnded()
        unsafe session.uncheckedFree()
        self.session = nil
        ERR_clear_error()
    }

    /// Makes OpenSSL read a record of a server's tickets, which only it can use.
    ///
    /// It has read all records before, because only tickets have come so far; its session is freed after the first
    /// record of another type.
    func readTickets(_ record: ByteView) {
        guard let session else { return }
        ERR_clear_error()
        ticketRecord = record
        if session.error(of: session.readNothing()) != SSL_ERROR_WANT_READ { freeSession() }
        ticketRecord = ByteView()
        ERR_clear_error()
    }

    private func handshakeFailureReason(_ session: SessionReference) -> String {
        let code = ERR_peek_error()
        ERR_clear_error()
        if let refusal = negotiation?.refusal { return refusal }
        if code == 0 { return "connection closed during handshake" }
        let verdict = session.verdict
        if !isServer, verdict != Int(X509_V_OK) {
            return SessionReference.text(ofVerdict: verdict)
        }
        return TLSError.reason(of: code)
    }

    private func reason(of failure: TransportFailure) -> String {
        "connection reset during handshake"
    }

    // MARK: ByteStream

    package func read(into buffer: MutableByteView) -> IOResult {
        if layer != nil { return readRecords(into: buffer) }
        // OpenSSL would find out the same, a few hundred instructions later.
        if !endpoint.mayReceive, received.isEmpty, session?.hasPending != true {
            return .wouldBlock(.readable)
        }
        clearErrors()
        guard let session else { return .failed(.protocolViolation) }
        let count = session.read(into: buffer)
        return count > 0 ? .bytes(Int(count)) : outcome(of: count)
    }

    package func write(_ bytes: ByteView, isMoreComing: Bool) -> IOResult {
        if hasHeld {
            let result = flush()
            guard case .bytes = result else { return result }
        }
        if layer != nil { return writeSealed(bytes, isMoreComing: isMoreComing) }
        clearErrors()
        guard let session else { return .failed(.protocolViolation) }
        if bytes.count <= RecordSealer.mostContent {
            let count = session.write(bytes)
            return count > 0 ? .bytes(Int(count)) : outcome(of: count)
        }
        return writeRecords(bytes, by: session, isMoreComing: isMoreComing)
    }

    package func writeAtEndOfTurn(_ bytes: ByteView) -> IOResult {
        leavesLate = true
        defer { leavesLate = false }
        return write(bytes, isMoreComing: false)
    }

    /// Pieces are accepted where the gateway seals, as one full record.
    package var pieceSize: Int {
        layer?.contentLimit == RecordSealer.mostContent ? RecordSealer.mostContent : 0
    }

    package func writePiece(
        _ content: ByteView, of piece: MappedPiece?, after head: ByteView
    ) -> IOResult {
        sealPiece(content, of: piece, after: head)
    }

    private func writeRecords(_ bytes: ByteView, by session: SessionReference, isMoreComing: Bool) -> IOResult {
        isCorked = true
        defer { isCorked = false }
        var taken = 0
        while taken < bytes.count {
            if !hasRoom {
                guard case .bytes = flush(isMoreComing: true) else { break }
            }
            // As many records as fit; none of them may have to wait.
            let room = (Worker.blockSize - heldEnd) / Self.recordSize * RecordSealer.mostContent
            let rest = bytes[taken...]
            let count = session.write(rest.prefix(room))
            guard count > 0 else {
                let outcome = outcome(of: count)
                return taken > 0 ? .bytes(taken) : outcome
            }
            taken += Int(count)
        }
        if case .failed(let failure) = flush(isMoreComing: isMoreComing && taken == bytes.count) {
            return .failed(failure)
        }
        return taken > 0 ? .bytes(taken) : .wouldBlock(.writable)
    }

    package func flush() -> IOResult { flush(isMoreComing: false) }

    @inline(__always)
    func flush(isMoreComing: Bool) -> IOResult {
        if let sendFailure { return .failed(sendFailure) }
        guard hasHeld else { return .bytes(0) }
        guard endpoint.worker.mayLeave else { return .failed(dropSealed()) }
        while let block = held, heldStart < heldEnd {
            let result = endpoint.send(
                block.view[heldStart..<heldEnd], isMoreComing: isMoreComing)
            switch result {
            case .bytes(let count): heldStart += count
            case .failed(let failure):
                sendFailure = failure
                return result
            case .wouldBlock, .end: return result
            }
        }
        releaseHeld()
        return .bytes(0)
    }

    /// Closes a connection whose next records were made of bytes that are not the file's.
    @inline(never)
    private func dropSealed() -> TransportFailure {
        releaseHeld()
        hasFailed = true
        sendFailure = .contentLost
        return .contentLost
    }

    package func finish() {
        if didHandshake && !hasFailed, layer != nil {
            sendAlert(.closeNotify)
        } else if didHandshake && !hasFailed {
            clearErrors()
            session?.shutDown()
            ERR_clear_error()
            _ = flush()
        }
        endpoint.finishSending()
    }

    /// Clears the thread's error queue, by which OpenSSL distinguishes failures from waiting, of entries from other
    /// code.
    ///
    /// All calls in this module leave it empty, and checking it costs as much as everything else in a short read.
    @inline(__always)
    private func clearErrors() {
        guard endpoint.worker.hasRunForeignCode else { return }
        // Clearing an empty queue costs twenty calls; other code rarely leaves entries.
        if ERR_peek_error() != 0 { ERR_clear_error() }
        endpoint.worker.hasRunForeignCode = false
    }

    private func outcome(of result: Int32) -> IOResult {
        let error = session?.error(of: result) ?? SSL_ERROR_SSL
        if error == SSL_ERROR_WANT_READ { return .wouldBlock(.readable) }
        ERR_clear_error()
        switch error {
        case SSL_ERROR_ZERO_RETURN: return .end
        case SSL_ERROR_SYSCALL:
            hasFailed = true
            return .failed(sendFailure ?? .reset)
        default:
            hasFailed = true
            return .failed(.protocolViolation)
        }
    }

    // MARK: The BIO's calls

    override func receiveRecords(into buffer: MutableByteView) -> IOResult {
        if layer != nil { return receiveTicket(into: buffer) }
        // Nothing is read ahead before it is known which side handles the records.
        if handshakeRecords != nil { return receiveOneRecord(into: buffer) }
        if !received.isEmpty {
            let count = move(min(received.records.count, buffer.count), to: buffer)
            received.shrink(endpoint.worker)
            return .bytes(count)
        }
        let result = endpoint.receive(into: buffer)
        if result == .end { sawEnd = true }
        return result
    }

    private func receiveOneRecord(into buffer: MutableByteView) -> IOResult {
        while true {
            let available = ByteView(received.records)
            let count = feed.portion(of: available, room: buffer.count, isEnd: sawEnd)
            if count > 0 {
                handshakeRecords?.written.noteAnswer()
                return .bytes(move(count, to: buffer))
            }
            let result = received.receive(from: endpoint, wish: 0)
            if result == .end {
                sawEnd = true
                if !received.isEmpty { continue }
            }
            guard case .bytes = result else { return result }
        }
    }

    private func receiveTicket(into buffer: MutableByteView) -> IOResult {
        let count = min(ticketRecord.count, buffer.count)
        guard count > 0 else { return .wouldBlock(.readable) }
        buffer.copy(ticketRecord[..<count])
        ticketRecord = ticketRecord[count...]
        return .bytes(count)
    }

    private func move(_ count: Int, to buffer: MutableByteView) -> Int {
        buffer.copy(received.records.view[..<count])
        received.drop(count)
        return count
    }

    override func sendRecords(_ record: ByteView) -> Bool {
        guard sendFailure == nil else { return false }
        // It would be written under keys that the gateway has continued with; OpenSSL must not write now.
        if layer != nil { return true }
        handshakeRecords?.written.append(record)
        if isCorked || hasHeld {
            hold(record)
            return true
        }
        guard endpoint.worker.mayLeave else {
            _ = dropSealed()
            return false
        }
        switch leavesLate ? endpoint.sendAtEndOfTurn(record) : endpoint.send(record) {
        case .bytes(let count):
            if count < record.count { hold(record[count...]) }
            return true
        case .wouldBlock, .end:
            hold(record)
            return true
        case .failed(let failure):
            sendFailure = failure
            return false
        }
    }

    var hasHeld: Bool { heldStart < heldEnd }

    /// Whether a full record can be added to the buffered ones, and one or two short ones after it.
    var hasRoom: Bool { heldEnd + Self.recordSize <= Worker.blockSize }

    func holdingBlock() -> MutableByteView {
        if let held = held { return held }
        let block = endpoint.worker.rentBlock()
        held = block
        return block
    }

    private func hold(_ record: ByteView) {
        let block = holdingBlock()
        precondition(heldEnd + record.count <= block.count, "a block has room for what one call of write produces")
        block.copy(record, to: heldEnd)
        heldEnd += record.count
    }

    func releaseHeld() {
        heldStart = 0
        heldEnd = 0
        guard let block = held else { return }
        held = nil
        endpoint.worker.returnBlock(block)
    }
}

/// How a handshake ended.
package enum HandshakeOutcome: Equatable, Sendable {
    case done
    /// With OpenSSL's message where it has one: `no shared cipher`, `http request`, `unsupported protocol`.
    case failed(String)
}
