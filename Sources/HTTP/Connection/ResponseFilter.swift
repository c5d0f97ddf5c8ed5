import Transport

/// What a route does to the responses of its requests beyond what their handlers say: other field lines, a coded body.
///
/// There is one per route and worker; it is used on that worker's thread only. An exchange without one pays a comparison
/// with nil.
package protocol ResponseFilter: AnyObject {
    /// Whether the field Server is left out, or written by the filter.
    var replacesServer: Bool { get }

    /// What is sent in place of a fixed response: itself, or a variant of it that was made once and kept.
    func variant(of response: FixedResponse, for exchange: Exchange) -> FixedResponse

    /// Writes the field lines that a variant cannot hold, because they differ from request to request.
    func appendVariableFields(for exchange: Exchange, to response: ResponseSink)

    /// Takes the head that a handler gives, writes its field lines, and names what the body goes through.
    ///
    /// - Returns: nil when the body is sent as it comes; the head is then ended by the exchange. A coder ends it itself,
    ///   at the latest when it is told to finish.
    func begin(_ head: ResponseDraft, for exchange: Exchange, to response: ResponseSink) -> (any BodyCoder)?

    /// Whether a trailer field of this name is left out.
    func withholds(_ name: UnsafeRawBufferPointer) -> Bool
}

extension ResponseFilter {
    package func withholds(_ name: UnsafeRawBufferPointer) -> Bool { false }
}

/// The head of a response as its handler gives it.
@safe
package struct ResponseDraft {
    package let status: Int
    /// Validated field lines, each ended by CRLF, without those that tell the framing.
    package let fields: UnsafeRawBufferPointer
    package let length: BodyLength
    /// The client asked by HEAD, so that no body is sent.
    package let isHead: Bool
    /// What the client has already, where that is known of a 304.
    package let whole: WholeContent?

    /// The same response with other field lines.
    package func with(fields: UnsafeRawBufferPointer) -> ResponseDraft {
        unsafe ResponseDraft(status: status, fields: fields, length: length, isHead: isHead, whole: whole)
    }
}

/// The response with content that a 304 stands for (RFC 9110 §15.4.5).
@safe
package struct WholeContent {
    /// Validated field lines, each ended by CRLF.
    package let fields: UnsafeRawBufferPointer
    package let length: UInt64

    package init(fields: UnsafeRawBufferPointer, length: UInt64) {
        unsafe self.fields = fields
        self.length = length
    }
}

/// Codes the body of one response, from its head to its end.
///
/// Where the whole body is here before any of it has to leave, the coder may keep it back and tell its coded length.
package protocol BodyCoder: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer, to response: ResponseSink)

    /// Everything written so far is to reach the client now.
    func flush(to response: ResponseSink)

    func finish(to response: ResponseSink)

    /// The response is over, finished or not; the coder may serve another one.
    func release()
}

/// Where filters and coders put what is to be sent.
@safe
package struct ResponseSink: BitwiseCopyable {
    private let storage: UnsafeMutablePointer<ExchangeStorage>

    init(_ storage: UnsafeMutablePointer<ExchangeStorage>) {
        unsafe self.storage = storage
    }

    /// Adds validated field lines, each ended by CRLF, or the next part of one.
    package func appendFields(_ lines: UnsafeRawBufferPointer) {
        unsafe storage.pointee.output.append(lines)
    }

    package func appendFields(_ lines: StaticString) {
        unsafe storage.pointee.output.append(lines)
    }

    /// Adds a client's address, without its port, to a field line.
    package func appendHost(of address: SocketAddress) {
        unsafe storage.pointee.output.append(upTo: SocketAddress.maximumHostText) { room in
            unsafe address.writeHost(to: room)
        }
    }

    /// Ends the head; the body that follows has this length.
    package func endHead(_ length: BodyLength) {
        guard let facts = unsafe storage.pointee.coding?.facts else { preconditionFailure("only a coder ends a head") }
        unsafe storage.pointee.response.endHead(length, answering: facts, to: &storage.pointee.output)
    }

    /// Adds to the body as it is sent.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        _ = unsafe storage.pointee.response.write(bytes, to: &storage.pointee.output)
    }
}

/// A response whose body goes through a coder.
struct CodedResponse {
    let coder: any BodyCoder
    /// What decides about the framing once the coded length is known, or known not to be.
    let facts: ResponseEncoder.Request
    /// Bytes the handler still owes of the length it told, before coding.
    var remaining: UInt64?
}
