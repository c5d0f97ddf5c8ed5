/// One named reason for which the gateway refuses, cuts, fails or ends something, explained for the operator.
package struct Reason: Encodable, Equatable, Sendable {
    /// A word for programs and for `isagate explain`; it does not change between versions.
    package let code: String
    /// What happened.
    package let event: Event
    /// The reason as logs, responses and `isagate status` have it; `*` stands for what varies.
    package let text: String
    /// Other texts for the same reason.
    package let otherTexts: [String]
    /// The status of the response, where there is one.
    package let status: Int?
    package let cause: Cause
    package let meaning: String
    package let action: String

    init(_ event: Event, _ text: String, otherTexts: [String] = [], status: Int? = nil, _ explanation: Explanation) {
        code = explanation.code
        self.event = event
        self.text = text
        self.otherTexts = otherTexts
        self.status = status
        cause = explanation.cause
        meaning = explanation.meaning
        action = explanation.action
    }

    /// What a reason is given for. The raw values of the first group begin the lines of the log.
    package enum Event: String, Codable, CaseIterable, Sendable {
        case requestRefused = "request refused"
        case responseCut = "response cut"
        case http2Ended = "HTTP/2 connection ended"
        case connectionRefused = "connection refused"
        case handshakeFailed = "TLS handshake failed"
        case upstreamFailed = "upstream failed"
        case fileNotServed = "file not served"
        case misbehaviour = "misbehaviour"
        /// A response of the gateway itself; the text is in its content.
        case answered = "response"
        case notReady = "not ready"
        case condition
        case upstreamChecked = "upstream check"
        case processEnded = "process ended"
        case extensionNotLoaded = "extension not loaded"
        case certificate = "certificate"
        case commandRefused = "command refused"
    }

    /// Who has to act, or whose fault it is.
    package enum Cause: String, Codable, CaseIterable, Sendable {
        case client, upstream
        case ownExtension = "extension"
        /// The configuration, or a file that it names.
        case operation = "operator"
        /// The gateway or its machine.
        case gateway
    }
}

/// What a reason means, apart from its text.
struct Explanation {
    let code: String
    let cause: Reason.Cause
    let meaning: String
    let action: String

    init(_ code: String, _ cause: Reason.Cause, _ meaning: String, _ action: String) {
        self.code = code
        self.cause = cause
        self.meaning = meaning
        self.action = action
    }
}

extension Explanation {
    /// A request that no correct client sends.
    static func malformed(_ code: String, _ meaning: String) -> Self {
        Self(
            code, .client, meaning,
            "Correct the program that sends it. From unknown addresses it is usually a scanner, and nothing has "
                + "to be done."
        )
    }

    /// A response that no correct server sends.
    static func malformedResponse(_ code: String, _ meaning: String) -> Self {
        Self(
            "upstream_" + code, .upstream, meaning,
            "Correct the server, or the proxy in front of it; ask it directly, for example with curl -v, to see "
                + "the response."
        )
    }

    /// Frames that no correct client sends.
    static func faultyFrames(_ code: String, _ meaning: String) -> Self {
        Self(
            "http2_" + code, .client, meaning,
            "Correct or update the client's HTTP/2 library. From unknown addresses it is usually a scanner.")
    }

    /// Frames that are valid, but too many.
    static func flood(_ code: String, _ meaning: String, limit: String) -> Self {
        Self(
            "http2_" + code, .client, meaning,
            "It is how clients attack servers of HTTP/2. For a client that needs more, raise \(limit).")
    }
}
