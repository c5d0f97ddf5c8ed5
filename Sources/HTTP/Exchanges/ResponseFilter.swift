import Memory
import Transport

/// Modifies the responses of a route's requests: other field lines, a coded body.
///
/// There is one per route and worker, which is used only on that worker's thread. An exchange without one costs a
/// comparison with nil.
package protocol ResponseFilter: AnyObject {
    /// Whether the field Server is omitted, or written by the filter.
    var replacesServer: Bool { get }

    /// Returns the response to send in place of a fixed one: the response itself, or a variant that was made once and
    /// stored.
    func variant(of response: FixedResponse, for exchange: Exchange) -> FixedResponse

    /// Writes the field lines that a variant cannot contain because they differ between requests.
    func appendVariableFields(for exchange: Exchange, to response: ResponseSink)

    /// Receives the head from a handler, writes its field lines, and returns the coder for the body.
    ///
    /// - Returns: nil if the body is sent unchanged; the exchange then ends the head. A coder ends the head itself, at
    ///   the latest in `finish`.
    func begin(_ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink) -> (any BodyCoder)?

    /// Whether a trailer field of this name is omitted.
    func withholds(_ name: ByteView) -> Bool
}

extension ResponseFilter {
    package func withholds(_ name: ByteView) -> Bool { false }
}

/// The head of a response as passed by its handler.
@safe
package struct ResponseDraft {
    package let status: Int
    /// Validated field lines, each terminated by CRLF, without those for the message framing.
    package let fields: ByteView
    package let length: BodyLength
    /// Whether the request method is HEAD, so that no body is sent.
    package let isHead: Bool
    /// The content that the client already has, if known for a 304.
    package let whole: WholeContent?

    /// The same response with other field lines.
    package func with(fields: ByteView) -> ResponseDraft {
        ResponseDraft(status: status, fields: fields, length: length, isHead: isHead, whole: whole)
    }
}

/// The response with content that a 304 refers to (RFC 9110 §15.4.5).
@safe
package struct WholeContent {
    /// Validated field lines, each terminated by CRLF.
    package let fields: ByteView
    package let length: UInt64

    package init(fields: ByteView, length: UInt64) {
        self.fields = fields
        self.length = length
    }
}

/// Codes the body of one response, from its head to its end.
///
/// If the whole body is available before any of it has to be sent, the coder may buffer it and declare its coded
/// length.
package protocol BodyCoder: AnyObject {
    func write(_ bytes: ByteView, to response: ResponseSink)

    /// Everything written so far must be sent to the client now.
    func flush(to response: ResponseSink)

    func finish(to response: ResponseSink)

    /// Called when the response has ended, completely or not; the coder may serve another one.
    func release()
}

/// The destination of the output of filters and coders.
@safe
package struct ResponseSink: BitwiseCopyable {
    private let storage: Stored<ExchangeStorage>

    init(_ storage: Stored<ExchangeStorage>) {
        self.storage = storage
    }

    /// Appends validated field lines, each terminated by CRLF, or the next part of one.
    package func appendFields(_ lines: ByteView) {
        storage.value.output.append(lines)
    }

    package func appendFields(_ lines: StaticString) {
        storage.value.output.append(lines)
    }

    /// Appends a client's address, without its port, to a field line.
    package func appendHost(of address: SocketAddress) {
        storage.value.output.append(upTo: SocketAddress.maximumHostText) { room in
            address.writeHost(to: room)
        }
    }

    /// Ends the head; the body that follows has this length.
    package func endHead(_ length: BodyLength) {
        guard let facts = storage.value.coding?.facts else { preconditionFailure("only a coder ends a head") }
        storage.value.response.endHead(length, answering: facts, to: &storage.value.output)
    }

    /// For the log: the body that follows is coded.
    package func noteCoding(_ name: StaticString) {
        storage.value.logCoding = name
    }

    /// Appends to the body as it is sent.
    package func write(_ bytes: ByteView) {
        _ = storage.value.response.write(bytes, to: &storage.value.output)
    }
}

/// A response whose body goes through a coder.
struct CodedResponse {
    let coder: any BodyCoder
    /// What determines the framing once it is known whether the coded length is known.
    let facts: ResponseEncoder.Request
    /// The number of bytes, before coding, that the handler has declared and not written yet.
    var remaining: UInt64?
}
