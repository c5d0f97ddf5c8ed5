import COpenSSL
import Glibc
import Transport

/// A TLS connection on an endpoint: the server's side for clients, the client's side for servers behind the gateway.
///
/// Small answers leave in one `send` of one record. More than a record's worth is written into a rented block, as many
/// records at a time as it has room for, and leaves in socket writes of 64 KiB and more.
@safe
package final class TLSStream: ByteStream {
    package let endpoint: Endpoint
    private let session: OpaquePointer
    /// What the callbacks of the handshake need; nil once it is over.
    private var negotiation: Negotiation?

    /// Records the socket has not taken yet: `held[heldStart..<heldEnd]`.
    private var held: UnsafeMutableRawBufferPointer?
    private var heldStart = 0
    private var heldEnd = 0
    /// While set, records are collected instead of sent one by one.
    private var isCorked = false
    /// While set, a record may leave at the end of the worker's turn.
    private var leavesLate = false
    private(set) var sawEnd = false
    private var sendFailure: TransportFailure?
    private var didHandshake = false
    private var hasFailed = false

    /// The most plain text one TLS record carries (RFC 8446 §5.1), in bytes.
    private static let recordPlaintext = 16384
    /// A record with its header, padding and tag, in bytes.
    private static let recordSize = recordPlaintext + 512
    /// Collected records leave when there are this many bytes.
    private static let coalescedWrite = 64 << 10

    /// - Throws: `TLSError` when OpenSSL cannot allocate a session.
    package init(_ endpoint: Endpoint, certificates: CertificateStore) throws(TLSError) {
        guard let session = unsafe SSL_new(certificates.initial.pointer) else { throw TLSError("create TLS session") }
        let negotiation = Negotiation(certificates)
        self.endpoint = endpoint
        unsafe self.session = session
        self.negotiation = negotiation
        unsafe negotiation.begin(session)
        let bio = unsafe SocketBIO.make(for: self)
        unsafe SSL_set_bio(session, bio, bio)
        unsafe SSL_set_accept_state(session)
    }

    /// The client's side of a connection to a server.
    ///
    /// - Parameters:
    ///   - name: the host name or IP address to ask for and to find in the certificate.
    ///   - resumption: from an earlier connection of the same context to the same server.
    /// - Throws: `TLSError` when OpenSSL cannot make a session for that name.
    package init(
        _ endpoint: Endpoint, to name: String, client: TLSClientContext, resuming resumption: TLSResumption? = nil
    ) throws(TLSError) {
        let session = try unsafe client.makeSession(for: name)
        // One that has expired is left out, and the handshake is a full one.
        if let resumption { unsafe SSL_set_session(session, resumption.pointer) }
        self.endpoint = endpoint
        unsafe self.session = session
        let bio = unsafe SocketBIO.make(for: self)
        unsafe SSL_set_bio(session, bio, bio)
        unsafe SSL_set_connect_state(session)
    }

    deinit {
        unsafe SSL_free(session)
        releaseHeld()
    }

    /// What the next connection to this server may resume; nil while the server has given nothing for it.
    ///
    /// TLS 1.3 servers give it behind the handshake, so it is there once their first bytes have been read.
    package func resumption() -> TLSResumption? {
        guard let known = unsafe SSL_get1_session(session) else { return nil }
        let resumption = unsafe TLSResumption(known)
        return unsafe SSL_SESSION_is_resumable(known) == 1 ? resumption : nil
    }

    // MARK: Handshake

    /// Negotiates with the client until done, failed, or past `deadline`.
    package func handshake(until deadline: Deadline) async -> HandshakeOutcome {
        while true {
            ERR_clear_error()
            let result = unsafe SSL_do_handshake(session)
            if case .failed(let failure) = flush() {
                ERR_clear_error()
                return .failed(reason(of: failure))
            }
            if result == 1 {
                // A ticket that could not be read is among them.
                ERR_clear_error()
                didHandshake = true
                endNegotiation()
                return .done
            }
            guard unsafe SSL_get_error(session, result) == SSL_ERROR_WANT_READ else {
                hasFailed = true
                return .failed(handshakeFailureReason())
            }
            let interest: Interest = hasHeld ? .readable | .writable : .readable
            switch await endpoint.wait(for: interest, until: deadline) {
            case .ready, .signalled, .draining, .hangup: continue
            case .deadline: return .failed("handshake not finished in time")
            case .aborted: return .failed("gateway stopped")
            }
        }
    }

    /// Nothing is negotiated after the handshake, and a long connection shall not keep replaced certificates alive.
    private func endNegotiation() {
        site = negotiation?.site?.label
        unsafe Negotiation.end(session)
        negotiation = nil
    }

    private func handshakeFailureReason() -> String {
        let code = ERR_peek_error()
        ERR_clear_error()
        if let refusal = negotiation?.refusal { return refusal }
        if code == 0 { return "connection closed during handshake" }
        let verdict = unsafe SSL_get_verify_result(session)
        if unsafe SSL_is_server(session) == 0, verdict != Int(X509_V_OK) {
            return unsafe String(cString: X509_verify_cert_error_string(verdict))
        }
        return TLSError.reason(of: code)
    }

    private func reason(of failure: TransportFailure) -> String {
        "connection reset during handshake"
    }

    // MARK: ByteStream

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        // OpenSSL would find out the same, a few hundred instructions later.
        if !endpoint.mayReceive, unsafe SSL_has_pending(session) == 0 { return .wouldBlock(.readable) }
        clearErrors()
        let count = unsafe SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
        return count > 0 ? .bytes(Int(count)) : outcome(of: count)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool) -> IOResult {
        if hasHeld {
            let result = flush()
            guard case .bytes = result else { return result }
        }
        clearErrors()
        if bytes.count <= Self.recordPlaintext {
            let count = unsafe SSL_write(session, bytes.baseAddress, Int32(bytes.count))
            return count > 0 ? .bytes(Int(count)) : outcome(of: count)
        }
        return unsafe writeRecords(bytes, isMoreComing: isMoreComing)
    }

    package func writeAtEndOfTurn(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        leavesLate = true
        defer { leavesLate = false }
        return unsafe write(bytes, isMoreComing: false)
    }

    private func writeRecords(_ bytes: UnsafeRawBufferPointer, isMoreComing: Bool) -> IOResult {
        isCorked = true
        defer { isCorked = false }
        var taken = 0
        while taken < bytes.count {
            if heldEnd >= Self.coalescedWrite {
                guard case .bytes = flush(isMoreComing: true) else { break }
            }
            // As many records at once as find room; none of them can have to wait.
            let room = (Worker.blockSize - heldEnd) / Self.recordSize * Self.recordPlaintext
            let rest = unsafe bytes[taken...]
            let count = unsafe SSL_write(
                session, UnsafeRawBufferPointer(rebasing: rest).baseAddress, Int32(min(room, rest.count)))
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
    private func flush(isMoreComing: Bool) -> IOResult {
        if let sendFailure { return .failed(sendFailure) }
        guard endpoint.worker.mayLeave else { return .failed(dropSealed()) }
        while let block = unsafe held, heldStart < heldEnd {
            let result = unsafe endpoint.send(
                UnsafeRawBufferPointer(rebasing: block[heldStart..<heldEnd]), isMoreComing: isMoreComing)
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

    /// Gives up a connection whose next records were made of bytes that are not the file's.
    @inline(never)
    private func dropSealed() -> TransportFailure {
        releaseHeld()
        hasFailed = true
        sendFailure = .contentLost
        return .contentLost
    }

    package func finish() {
        if didHandshake && !hasFailed {
            clearErrors()
            _ = unsafe SSL_shutdown(session)
            ERR_clear_error()
            _ = flush()
        }
        endpoint.finishSending()
    }

    /// Empties the thread's queue of errors, by which OpenSSL tells failures from waiting, of what others left there.
    ///
    /// All calls in this module leave it empty, and asking costs as much as all else around a short read.
    @inline(__always)
    private func clearErrors() {
        guard endpoint.worker.hasRunForeignCode else { return }
        // Clearing an empty queue costs twenty calls; others rarely leave anything there.
        if ERR_peek_error() != 0 { ERR_clear_error() }
        endpoint.worker.hasRunForeignCode = false
    }

    private func outcome(of result: Int32) -> IOResult {
        let error = unsafe SSL_get_error(session, result)
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

    // MARK: What the BIO asks

    func receiveRecords(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        let result = unsafe endpoint.receive(into: buffer)
        if result == .end { sawEnd = true }
        return result
    }

    /// Sends or holds one record; false when the connection is gone.
    func sendRecord(_ record: UnsafeRawBufferPointer) -> Bool {
        guard sendFailure == nil else { return false }
        if isCorked || hasHeld {
            unsafe hold(record)
            return true
        }
        guard endpoint.worker.mayLeave else {
            _ = dropSealed()
            return false
        }
        switch unsafe leavesLate ? endpoint.sendAtEndOfTurn(record) : endpoint.send(record) {
        case .bytes(let count):
            if count < record.count { unsafe hold(UnsafeRawBufferPointer(rebasing: record[count...])) }
            return true
        case .wouldBlock, .end:
            unsafe hold(record)
            return true
        case .failed(let failure):
            sendFailure = failure
            return false
        }
    }

    private var hasHeld: Bool { heldStart < heldEnd }

    private func hold(_ record: UnsafeRawBufferPointer) {
        let block = unsafe held ?? endpoint.worker.rentBlock()
        unsafe held = block
        precondition(heldEnd + record.count <= block.count, "a block has room for what one call of write produces")
        unsafe UnsafeMutableRawBufferPointer(rebasing: block[heldEnd...]).copyMemory(from: record)
        heldEnd += record.count
    }

    private func releaseHeld() {
        heldStart = 0
        heldEnd = 0
        guard let block = unsafe held else { return }
        unsafe held = nil
        unsafe endpoint.worker.returnBlock(block)
    }

    // MARK: Facts

    package private(set) lazy var security: SecurityDescription? = describeSecurity()
    package var isSecure: Bool { true }

    /// Whether the handshake resumed an earlier session instead of proving the certificate again.
    package var isResumed: Bool { unsafe SSL_session_reused(session) == 1 }

    /// The site whose certificate was shown, by its first host; nil before the handshake is over.
    private(set) var site: String?

    private func describeSecurity() -> SecurityDescription? {
        defer { ERR_clear_error() }
        let certificate = unsafe SSL_get_certificate(session)
        let key = unsafe certificate.flatMap { unsafe X509_get0_pubkey($0) }
        let name = unsafe SSL_get_servername(session, COpenSSL_TLSEXT_NAMETYPE_host_name)
        return unsafe SecurityDescription(
            protocolName: String(cString: SSL_get_version(session)),
            cipherName: String(cString: COpenSSL_get_cipher_name(session)),
            cipherBits: Int(COpenSSL_get_cipher_bits(session)),
            serverName: name.map { unsafe String(cString: $0) },
            serverKeyBits: key.map { unsafe Int(EVP_PKEY_get_bits($0)) } ?? 0,
            serverSubject: certificate.map { unsafe distinguishedName(X509_get_subject_name($0)) } ?? "",
            serverIssuer: certificate.map { unsafe distinguishedName(X509_get_issuer_name($0)) } ?? "",
            serverEndPoint: certificate.map { unsafe endPointHash($0) } ?? [], site: site,
            clientCertificate: describeClientCertificate())
    }

    /// By the hash of the certificate's signature, or SHA-256 in place of a weaker one (RFC 5929 §4.1).
    private func endPointHash(_ certificate: OpaquePointer) -> [UInt8] {
        var hash: Int32 = 0
        unsafe X509_get_signature_info(certificate, &hash, nil, nil, nil)
        let algorithm = unsafe hash == NID_sha384 ? EVP_sha384() : hash == NID_sha512 ? EVP_sha512() : EVP_sha256()
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_digest(certificate, algorithm, &digest, &count) == 1 else { return [] }
        return Array(digest.prefix(Int(count)))
    }

    private func describeClientCertificate() -> SecurityDescription.ClientCertificate? {
        guard let pointer = unsafe SSL_get1_peer_certificate(session) else { return nil }
        let certificate = unsafe X509Certificate(pointer)
        let result = unsafe SSL_get_verify_result(session)
        return SecurityDescription.ClientCertificate(
            failure: result == Int(X509_V_OK) ? nil : unsafe String(cString: X509_verify_cert_error_string(result)),
            subject: certificate.subject, issuer: certificate.issuer, serial: certificate.serial,
            encoded: certificate.encoded, fingerprint: fingerprint(of: certificate.encoded))
    }

    private func fingerprint(of encoded: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe SHA256(encoded, encoded.count, &digest)
        return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

/// How a handshake ended.
package enum HandshakeOutcome: Equatable, Sendable {
    case done
    /// In OpenSSL's words where it has any: `no shared cipher`, `http request`, `unsupported protocol`.
    case failed(String)
}
