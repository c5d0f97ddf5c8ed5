import HTTP
import Memory

/// A response that is buffered completely before any of it reaches the client.
final class HeldResponse {
    private(set) var status = 0
    private(set) var reason: [UInt8] = []
    /// Field lines, each ended by CRLF.
    private(set) var fields: [UInt8] = []
    private(set) var given = CommonFields()
    private(set) var trailers: [UInt8] = []
    let body: Spool
    /// The length in the head for a body that is not sent; nil for a body that is.
    private var declaredLength: BodyLength?
    /// Why the body could not be buffered.
    private(set) var failure: ProxyFailure?

    init(_ limits: Spool.Limits) {
        body = Spool(limits)
    }

    func begin(
        _ head: ResponseHead, reason: ByteView, fields: ByteView, given: CommonFields
    ) {
        status = head.status
        self.reason = Array(reason)
        self.fields = Array(fields)
        self.given = given
        if head.framing == .none { declaredLength = head.declaredLength.map { .known($0) } ?? .unknown }
    }

    func append(_ piece: ByteView) {
        guard failure == nil else { return }
        do throws(Spool.Failure) {
            try body.append(piece)
        } catch {
            failure =
                switch error {
                case .tooLarge: .responseTooLarge
                case .system(let code): .responseNotHeld(code)
                }
        }
    }

    func end(trailers: ByteView) {
        self.trailers = Array(trailers)
    }

    /// Sends all of it to the client.
    func deliver(to exchange: Exchange) async throws(ExchangeFailure) {
        let length = declaredLength ?? (trailers.isEmpty ? .known(UInt64(body.count)) : .unknown)
        begin(exchange, length)
        guard try await exchange.send(body) else { return exchange.abandonResponse() }
        trailers.withBytes { _ = exchange.finish(trailers: $0) }
    }

    private func begin(_ exchange: Exchange, _ length: BodyLength) {
        reason.withBytes { reason in
            fields.withBytes { fields in
                exchange.beginResponse(
                    status: status, reason: reason, fields: fields, length: length, given: given)
            }
        }
    }
}
