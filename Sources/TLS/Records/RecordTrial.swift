import COpenSSL
import Memory
import Transport

/// Handshakes in memory with an OpenSSL peer, once for each suite and role: whether the gateway's records can follow
/// those of the library found, in all respects that a single connection cannot show before it is too late.
final class RecordTrial {
    /// Why records have to be left to OpenSSL; nil when all results were as expected.
    static func failure() -> String? {
        defer { ERR_clear_error() }
        guard let identity = TrialIdentity() else { return "no certificate could be made to try it with" }
        for cipher in RecordCipher.allCases where cipher.implementation != nil {
            for role in [RecordOpener.Role.server, .client] {
                guard let trial = RecordTrial(cipher, role, identity) else {
                    return "no session could be made to try it"
                }
                if let failure = trial.failure() { return "\(failure) (\(cipher.name), \(role))" }
            }
        }
        return nil
    }

    private let cipher: RecordCipher
    private let role: RecordOpener.Role
    private let ours: SSL_CTX
    private let peers: SSL_CTX
    private let contexts = ConnectionContexts()

    private init?(_ cipher: RecordCipher, _ role: RecordOpener.Role, _ identity: TrialIdentity) {
        guard let server = SSL_CTX_new(TLS_server_method()), let client = SSL_CTX_new(TLS_client_method()) else {
            return nil
        }
        self.cipher = cipher
        self.role = role
        ours = role == .server ? server : client
        peers = role == .server ? client : server
        RecordLayer.configure(ours)
        Self.limit(server, to: cipher)
        Self.limit(client, to: cipher)
        SSL_CTX_set_num_tickets(server, 1)
        // A client whose first key share is refused is asked again (RFC 8446 §4.1.4).
        COpenSSL_CTX_set1_groups_list(client, "P-256:P-384")
        COpenSSL_CTX_accept_any_peer(client)
        guard identity.attach(to: server) else { return nil }
    }

    private static func limit(_ context: SSL_CTX, to cipher: RecordCipher) {
        SSL_CTX_set_ciphersuites(context, cipher.name)
        COpenSSL_CTX_set_min_proto_version(context, TLS1_3_VERSION)
        COpenSSL_CTX_set_max_proto_version(context, TLS1_3_VERSION)
    }

    private var server: SSL_CTX { role == .server ? ours : peers }

    private func failure() -> String? {
        var resumption: TLSResumption?
        for (groups, isResumed) in [("P-256", false), ("P-384", false), ("P-256", true)] {
            COpenSSL_CTX_set1_groups_list(server, groups)
            guard let connection = TrialConnection(ours, peers, role, resuming: isResumed ? resumption : nil)
            else {
                return "no session could be made to try it"
            }
            if let failure = connection.failure(contexts, expectsResumption: isResumed) { return failure }
            resumption = connection.resumption
        }
        return nil
    }
}

/// One connection in memory between the gateway's side, whose records are taken over, and OpenSSL.
private final class TrialConnection: RecordChannel {
    private let ours: SessionReference
    private let peer: SessionReference
    private let isClient: Bool
    private var feed = RecordFeed()
    /// Received from the peer and not yet used.
    private var incoming: [UInt8] = []
    private var layer: RecordLayer?
    private(set) var resumption: TLSResumption?

    init?(_ ours: SSL_CTX, _ peers: SSL_CTX, _ role: RecordOpener.Role, resuming: TLSResumption?) {
        let (our, peer) = (SessionReference(of: ours), SessionReference(of: peers))
        guard let our, let peer else {
            if let our { unsafe our.uncheckedFree() }
            if let peer { unsafe peer.uncheckedFree() }
            return nil
        }
        self.ours = our
        self.peer = peer
        isClient = role == .client
        super.init()
        our.attach(to: self)
        peer.attachToMemory()
        let (client, server) = isClient ? (our, peer) : (peer, our)
        if let resuming { client.resume(resuming) }
        client.beginAsClient()
        server.beginAsServer()
    }

    deinit {
        // A session that counts as broken could not be resumed.
        ours.countAsEnded()
        peer.countAsEnded()
        unsafe ours.uncheckedFree()
        unsafe peer.uncheckedFree()
        layer?.forget()
        endHandshakeRecords()
    }

    // MARK: What OpenSSL on the gateway's side receives and sends

    override func receiveRecords(into buffer: MutableByteView) -> IOResult {
        let count = incoming.withBytes { feed.portion(of: $0, room: buffer.count, isEnd: false) }
        guard count > 0 else { return .wouldBlock(.readable) }
        handshakeRecords?.written.noteAnswer()
        incoming[..<count].withBytes { buffer.copy($0) }
        incoming.removeFirst(count)
        return .bytes(count)
    }

    override func sendRecords(_ records: ByteView) -> Bool {
        // Once the gateway handles the records, nothing of OpenSSL's may be sent.
        guard layer == nil else { return true }
        handshakeRecords?.written.append(records)
        return peer.deliver(records) == records.count
    }

    private func takeFromPeer() {
        var buffer = [UInt8](repeating: 0, count: 20000)
        while true {
            let count = buffer.withMutableBytes { peer.collect(into: $0) }
            guard count > 0 else { return }
            incoming += buffer[..<count]
        }
    }

    // MARK: The trial

    func failure(_ contexts: ConnectionContexts, expectsResumption: Bool) -> String? {
        guard shakeHands(), let handshakeRecords else { return "a handshake in memory failed" }
        if expectsResumption, !ours.isReused { return "a session was not resumed" }
        do throws(RecordLayer.Refusal) {
            layer = try RecordLayer.takingOver(
                ours, handshakeRecords, isAtBoundary: feed.isAtBoundary, contexts: contexts)
        } catch {
            return "it did not show its keys and the number of its last record"
        }
        endHandshakeRecords()
        guard reads("short"), reads(String(repeating: "x", count: RecordSealer.mostContent)) else {
            return "it did not read our records"
        }
        guard takesTickets() else { return "it did not read its tickets" }
        guard opens("short"), opens(String(repeating: "y", count: RecordSealer.mostContent)) else {
            return "we did not read its records"
        }
        guard updatesOurKeys(), reads("new keys") else { return "it did not follow new keys of ours" }
        peer.updateKeys()
        guard opens("its new keys", behind: .keyUpdate(isAnswerWanted: true)), updatesOurKeys(), reads("answer") else {
            return "we did not follow new keys of its own"
        }
        return expectsResumption ? endsByAlert() : endsProperly()
    }

    private func shakeHands() -> Bool {
        for _ in 0..<8 {
            let ours = ours.shakeHands()
            let peers = peer.shakeHands()
            if ours == 1, peers == 1 { return true }
            takeFromPeer()
            ERR_clear_error()
        }
        return false
    }

    /// Whether the peer reads `text` from a record of the gateway.
    private func reads(_ text: String) -> Bool {
        guard send(text.utf8.map { $0 }, as: .applicationData) else { return false }
        var buffer = [UInt8](repeating: 0, count: text.utf8.count + 1)
        let count = buffer.withMutableBytes { peer.read(into: $0) }
        return buffer.prefix(max(0, Int(count))).elementsEqual(text.utf8)
    }

    private func send(_ content: [UInt8], as type: ContentType) -> Bool {
        deliver(content.count + RecordSealer.overhead) { record in
            content.withBytes { layer?.sealer.seal($0, as: type, into: record) }
        }
    }

    private func updatesOurKeys() -> Bool {
        deliver(RecordSealer.updateSize) { layer?.sealer.sealUpdate(into: $0) }
    }

    private func deliver(_ size: Int, _ seal: (MutableByteView) -> Int?) -> Bool {
        var record = [UInt8](repeating: 0, count: size)
        guard let count = record.withMutableBytes(seal) else { return false }
        return record[..<count].withBytes { peer.deliver($0) } == count
    }

    /// Whether records of the peer, one with `text` after one that is `first`, are opened here.
    private func opens(_ text: String, behind first: RecordOpener.Step? = nil) -> Bool {
        guard text.withBytes({ peer.write($0) }) == text.utf8.count else { return false }
        takeFromPeer()
        if let first, next().step != first { return false }
        let (step, content) = next()
        return step == .data(text.utf8.count) && content.elementsEqual(text.utf8) && incoming.isEmpty
    }

    /// The result of the peer's next record.
    private func next() -> (step: RecordOpener.Step?, content: [UInt8]) {
        guard case .record(let length) = incoming.withBytes({ RecordOpener.frame($0) }),
            length <= incoming.count
        else { return (nil, []) }
        let record = Array(incoming[..<length])
        incoming.removeFirst(length)
        var content = [UInt8](repeating: 0, count: length)
        let step = record.withBytes { record in
            content.withMutableBytes { layer?.opener.open(record, into: $0) }
        }
        if step == .ticket { readTicket(record) }
        guard case .data(let count) = step else { return (step, []) }
        return (step, Array(content[..<count]))
    }

    /// Makes the client's side read the server's tickets for the next handshake.
    private func takesTickets() -> Bool {
        takeFromPeer()
        while isClient, !incoming.isEmpty {
            guard next().step == .ticket else { return false }
        }
        guard let known = (isClient ? ours : peer).resumption() else { return false }
        resumption = known.0
        return known.isResumable
    }

    private func readTicket(_ record: [UInt8]) {
        let others = incoming
        incoming = record
        _ = ours.readNothing()
        ERR_clear_error()
        incoming = others
    }

    private func endsProperly() -> String? {
        peer.shutDown()
        takeFromPeer()
        guard next().step == .closed else { return "we did not read its close_notify" }
        guard send([1, Alert.closeNotify.rawValue], as: .alert), endOfPeer() == SSL_ERROR_ZERO_RETURN else {
            return "it did not read our close_notify"
        }
        return nil
    }

    private func endsByAlert() -> String? {
        guard "damaged".withBytes({ peer.write($0) }) == 7 else { return "it did not write" }
        takeFromPeer()
        incoming[incoming.count - 1] ^= 1
        guard next().step == .refused(.badRecordMAC) else { return "a damaged record was opened" }
        guard send([2, Alert.badRecordMAC.rawValue], as: .alert), endOfPeer() == SSL_ERROR_SSL else {
            return "it did not read our alert"
        }
        return nil
    }

    private func endOfPeer() -> Int32 {
        ERR_clear_error()
        return peer.error(of: peer.readNothing())
    }
}

/// A self-made certificate for the server of a trial; it is not verified.
private final class TrialIdentity {
    private let key: EVP_PKEY
    private let certificate: X509

    init?() {
        guard let key = COpenSSL_EC_gen("P-256"), let certificate = X509_new() else { return nil }
        self.key = key
        self.certificate = certificate
        X509_set_version(certificate, 2)
        COpenSSL_X509_set_validity(certificate, 3600)
        guard X509_set_pubkey(certificate, key) == 1, X509_sign(certificate, key, EVP_sha256()) > 0 else { return nil }
    }

    func attach(to context: SSL_CTX) -> Bool {
        SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1
    }
}
