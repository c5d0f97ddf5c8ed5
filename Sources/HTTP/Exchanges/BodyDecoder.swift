import Memory

/// Decodes the content coding of one request body before the handler reads it.
///
/// The supplied bytes must stay valid until `next` has returned nil.
package protocol BodyDecoder: AnyObject {
    /// The body has ended, and all of it has been returned.
    var hasEnded: Bool { get }

    /// The number of bytes still to be returned; nil if it is unknown until the end.
    var remaining: UInt64? { get }

    /// Supplies the next bytes of the coded body.
    func supply(_ bytes: ByteView)

    /// The next bytes of the content, valid until the next call; nil if more has to be supplied.
    func next() throws(RequestRejection) -> ByteView?

    /// Called when no more bytes will be supplied.
    func finish() throws(RequestRejection)

    /// Called when the request has ended; the decoder may serve another one.
    func release()
}

extension Exchange {
    /// The maximum size of the body in bytes; the connection's limit unless a route sets another one.
    package var bodyLimit: UInt64 { storage.value.bodyLimit ?? connection.service.limits.maximumBody }

    /// Sets the limit; false if the body is known to be longer.
    package func limitBody(to limit: UInt64) -> Bool {
        storage.value.bodyLimit = limit
        return (remainingBody ?? 0) <= limit
    }

    /// The coding of the body, if there is exactly one and the client itself sent the body.
    package var bodyCoding: ContentCoding? {
        guard !hasBodyEnded, storage.value.substitute == nil else { return nil }
        // Several lines form a list (RFC 9110 §5.3), which means several codings.
        guard let value = onlyValue(named: "content-encoding") else { return nil }
        let text = bytes(of: value).bytes
        if text.equals("gzip", from: 0, to: text.byteCount) || text.equals("x-gzip", from: 0, to: text.byteCount) {
            return .gzip
        }
        return text.equals("deflate", from: 0, to: text.byteCount) ? .deflate : nil
    }

    /// Decodes the body with `decoder`; from now on the head describes an uncoded body of unknown length.
    package func decodeBody(with decoder: any BodyDecoder) {
        storage.value.bodyDecoder = decoder
        storage.value.parser.forgetCoding(in: storage.value.received.bytes)
    }
}

extension ClientConnection {
    /// The next piece of a body that is decoded.
    func nextDecodedStep(_ exchange: Exchange, _ decoder: any BodyDecoder) throws(ExchangeFailure) -> BodyStep {
        while true {
            do throws(RequestRejection) {
                if let piece = try decoder.next() { return .content(piece) }
            } catch {
                throw .rejected(error)
            }
            switch try nextCodedStep(exchange) {
            case .content(let piece): decoder.supply(piece)
            case .receive: return .receive
            case .ended:
                do throws(RequestRejection) {
                    try decoder.finish()
                } catch {
                    throw .rejected(error)
                }
                return .ended
            }
        }
    }
}
