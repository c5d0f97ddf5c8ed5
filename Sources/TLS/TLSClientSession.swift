import COpenSSL
import Memory

/// The client's side of a TLS connection whose bytes its user carries: for commands, which have no event loop.
@safe
package final class TLSClientSession {
    private let session: SessionReference

    package enum Outcome: Equatable {
        /// The handshake is complete, or so many bytes were read.
        case done(Int)
        /// Bytes of the server are needed.
        case incomplete
        /// The server has ended the connection properly.
        case ended
        case failed(String)
    }

    /// - Parameter name: the host name or IP address to send and to find in the certificate.
    package init(_ context: TLSClientContext, to name: String) throws(TLSError) {
        session = try context.makeSession(for: name)
        session.attachToMemory()
        session.beginAsClient()
    }

    deinit {
        unsafe session.uncheckedFree()
    }

    package func shakeHands() -> Outcome {
        ERR_clear_error()
        let result = session.shakeHands()
        return result == 1 ? .done(0) : outcome(of: result)
    }

    package func read(into room: MutableByteView) -> Outcome {
        ERR_clear_error()
        let count = session.read(into: room)
        return count > 0 ? .done(Int(count)) : outcome(of: count)
    }

    /// Encrypts all bytes after the handshake; false if that fails.
    package func write(_ bytes: ByteView) -> Bool {
        ERR_clear_error()
        var rest = bytes
        while !rest.isEmpty {
            let count = session.write(rest)
            guard count > 0 else { return false }
            rest = rest.dropFirst(Int(count))
        }
        return true
    }

    /// Says that nothing follows.
    package func end() { session.shutDown() }

    /// The bytes to be sent to the server.
    package func takeOutput() -> [UInt8] {
        var output: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = block.withMutableBytes { session.collect(into: $0) }
            guard count > 0 else { return output }
            output += block[..<count]
        }
    }

    /// Passes bytes of the server on.
    package func deliver(_ bytes: ByteView) {
        let count = session.deliver(bytes)
        precondition(count == bytes.count, "memory takes everything")
    }

    private func outcome(of result: Int32) -> Outcome {
        let code = ERR_peek_error()
        switch session.error(of: result) {
        case SSL_ERROR_WANT_READ: return .incomplete
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: break
        }
        ERR_clear_error()
        let verdict = session.verdict
        if verdict != Int(X509_V_OK) { return .failed(SessionReference.text(ofVerdict: verdict)) }
        return .failed(TLSError.reason(of: code))
    }
}
