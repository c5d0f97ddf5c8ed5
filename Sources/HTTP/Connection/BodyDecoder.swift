/// Decodes the content coding of one request body on its way to the handler.
///
/// Bytes supplied stay valid until `next` has returned nil.
package protocol BodyDecoder: AnyObject {
    /// The body is over, and all of it was handed out.
    var hasEnded: Bool { get }

    /// Bytes still to be handed out; nil when only the end will tell.
    var remaining: UInt64? { get }

    /// Gives the next bytes of the coded body.
    func supply(_ bytes: UnsafeRawBufferPointer)

    /// The next bytes of the content, valid until the next call; nil when more has to be supplied.
    func next() throws(RequestRejection) -> UnsafeRawBufferPointer?

    /// No more will be supplied.
    func finish() throws(RequestRejection)

    /// The request is over; the decoder may serve another one.
    func release()
}

extension Exchange {
    /// What the handler may be sent of a body, in bytes; the connection's limit unless a route says otherwise.
    package var bodyLimit: UInt64 { unsafe storage.pointee.bodyLimit ?? connection.service.limits.maximumBody }

    /// Sets the limit; false when the body is known to be longer.
    package func limitBody(to limit: UInt64) -> Bool {
        unsafe storage.pointee.bodyLimit = limit
        return (remainingBody ?? 0) <= limit
    }

    /// The coding of the body, if it is one alone and the client itself sent it.
    package var bodyCoding: ContentCoding? {
        guard !hasBodyEnded, unsafe storage.pointee.substitute == nil else { return nil }
        // Several lines are a list (RFC 9110 §5.3): of several codings, and none of them alone.
        guard let value = onlyValue(named: "content-encoding") else { return nil }
        let text = unsafe bytes(of: value).bytes
        if text.equals("gzip", from: 0, to: text.byteCount) || text.equals("x-gzip", from: 0, to: text.byteCount) {
            return .gzip
        }
        return text.equals("deflate", from: 0, to: text.byteCount) ? .deflate : nil
    }

    /// Has the body go through `decoder`; from now on the head tells of a body of unknown length that is not coded.
    package func decodeBody(with decoder: any BodyDecoder) {
        unsafe storage.pointee.bodyDecoder = decoder
        unsafe storage.pointee.parser.forgetCoding(in: storage.pointee.received.bytes)
    }
}

extension ClientConnection {
    /// The next piece of a body that goes through a decoder.
    func nextDecodedStep(_ exchange: Exchange, _ decoder: any BodyDecoder) throws(ExchangeFailure) -> BodyStep {
        while true {
            do throws(RequestRejection) {
                if let piece = unsafe try decoder.next() { return unsafe .content(piece) }
            } catch {
                throw .rejected(error)
            }
            switch unsafe try nextCodedStep(exchange) {
            case .content(let piece): unsafe decoder.supply(piece)
            case .receive: return unsafe .receive
            case .ended:
                do throws(RequestRejection) {
                    try decoder.finish()
                } catch {
                    throw .rejected(error)
                }
                return unsafe .ended
            }
        }
    }
}
