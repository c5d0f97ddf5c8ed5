import HTTP
import Proxy

/// The kinds of failures of upstream servers, which have an explanation each.
enum UpstreamReason: CaseIterable {
    case noServer, queueFull, queueTimeout, connectFailed, connectTimeout, handshakeFailed, sendFailed, sendTimeout
    case closedBeforeResponse, responseTimeout, closedInBody, readTimeout, requestTimeout, requestNotHeld
    case responseNotHeld, responseTooLarge

    /// Nil for a response that was refused, which `ResponseReason` explains.
    init?(_ failure: ProxyFailure) {
        switch failure {
        case .noServer: self = .noServer
        case .queueFull: self = .queueFull
        case .queueTimeout: self = .queueTimeout
        case .connectFailed: self = .connectFailed
        case .connectTimeout: self = .connectTimeout
        case .handshakeFailed: self = .handshakeFailed
        case .sendFailed: self = .sendFailed
        case .sendTimeout: self = .sendTimeout
        case .closedBeforeResponse: self = .closedBeforeResponse
        case .responseTimeout: self = .responseTimeout
        case .closedInBody: self = .closedInBody
        case .readTimeout: self = .readTimeout
        case .requestTimeout: self = .requestTimeout
        case .requestNotHeld: self = .requestNotHeld
        case .responseNotHeld: self = .responseNotHeld
        case .responseTooLarge: self = .responseTooLarge
        case .refused: return nil
        }
    }

    static var reasons: [Reason] {
        allCases.map { Reason(.upstreamFailed, "\($0.example.reason)", status: $0.example.status, $0.explanation) }
    }

    /// A failure of this kind.
    var example: ProxyFailure {
        switch self {
        case .noServer: .noServer
        case .queueFull: .queueFull
        case .queueTimeout: .queueTimeout
        case .connectFailed: .connectFailed(.reset)
        case .connectTimeout: .connectTimeout
        case .handshakeFailed: .handshakeFailed("")
        case .sendFailed: .sendFailed
        case .sendTimeout: .sendTimeout
        case .closedBeforeResponse: .closedBeforeResponse
        case .responseTimeout: .responseTimeout
        case .closedInBody: .closedInBody
        case .readTimeout: .readTimeout
        case .requestTimeout: .requestTimeout
        case .requestNotHeld: .requestNotHeld(0)
        case .responseNotHeld: .responseNotHeld(0)
        case .responseTooLarge: .responseTooLarge
        }
    }

    private var explanation: Explanation {
        switch self {
        case .noServer:
            Explanation(
                "upstream_no_server", .upstream, "Every server of the upstream is down, left out, or has no address.",
                "Look at isagate status for their states, and at the log for why each one is down.")
        case .queueFull:
            Explanation(
                "upstream_queue_full", .upstream,
                "All servers are busy, and as many requests wait as the upstream allows.",
                "Add servers, or raise max_connections of the servers or queue of the upstream.")
        case .queueTimeout:
            Explanation(
                "upstream_queue_timeout", .upstream, "No server became free while the request waited for one.",
                "Add servers, or raise max_connections of the servers.")
        case .connectFailed:
            Explanation(
                "upstream_connect_failed", .upstream,
                "The server refused the connection, or cannot be reached; the log says why.",
                "Check that the server runs and listens at the address in the configuration.")
        case .connectTimeout:
            Explanation(
                "upstream_connect_timeout", .upstream, "The server did not accept the connection in time.",
                "Check the network and firewalls between gateway and server, and whether the server is overloaded.")
        case .handshakeFailed:
            Explanation(
                "upstream_handshake_failed", .upstream, "The TLS handshake with the server failed; the log says why.",
                "Set tls.ca of the upstream for an authority of its own, tls.server_name for another name."
            )
        case .sendFailed:
            Explanation(
                "upstream_send_failed", .upstream, "The server closed the connection while the request was being sent.",
                "Look at the server's log; it may have crashed, or refuse large requests.")
        case .sendTimeout:
            Explanation(
                "upstream_send_timeout", .upstream, "The server did not read the request in time.",
                "Look for what keeps the server busy, or raise send_timeout of the upstream.")
        case .closedBeforeResponse:
            Explanation(
                "upstream_closed", .upstream,
                "The server closed the connection before the head of its response was complete.",
                "Look at the server's log; it may have crashed, or close idle connections before the gateway does.")
        case .responseTimeout:
            Explanation(
                "upstream_response_timeout", .upstream, "The head of the response did not arrive in time.",
                "Look for what makes the server slow, or raise response_timeout of the upstream.")
        case .closedInBody:
            Explanation(
                "upstream_closed_in_body", .upstream, "The server closed the connection in the middle of its response.",
                "Look at the server's log; it may have crashed, or state a wrong Content-Length.")
        case .readTimeout:
            Explanation(
                "upstream_read_timeout", .upstream, "The server paused too long in the middle of its response.",
                "Look for what makes the server slow, or raise read_timeout of the upstream.")
        case .requestTimeout:
            Explanation(
                "upstream_request_timeout", .upstream,
                "The request was not answered within its time, with all attempts.",
                "Look for what makes the server slow, or raise request_timeout of the upstream.")
        case .requestNotHeld:
            Explanation(
                "upstream_request_not_held", .gateway,
                "The request has to be held before it is sent, and there is no room.",
                "Free space where temporary files are kept, or set buffer to off.")
        case .responseNotHeld:
            Explanation(
                "upstream_response_not_held", .gateway,
                "The response has to be held before it is passed on, and there is no room.",
                "Free space where temporary files are kept, or set buffer to off.")
        case .responseTooLarge:
            Explanation(
                "upstream_response_too_large", .upstream, "The response is larger than buffer_limit allows.",
                "Raise buffer_limit of the route, or set buffer to off.")
        }
    }
}

/// The kinds of invalid responses, which have an explanation each.
enum ResponseReason: CaseIterable {
    case invalidStatusLine, unsupportedVersion, invalidStatus, headTooLarge, tooManyFields, repeatedContentLength
    case contentLengthWithTransferEncoding, transferEncodingOnHTTP10, unknownTransferCoding
    case transferEncodingWithoutBody, tooManyInterimResponses, unaskedSwitch, switchToOtherProtocol
    case bytesBehindResponse

    /// Nil for what can be malformed in requests too.
    init?(_ rejection: ResponseRejection) {
        switch rejection {
        case .invalidStatusLine: self = .invalidStatusLine
        case .unsupportedVersion: self = .unsupportedVersion
        case .invalidStatus: self = .invalidStatus
        case .headTooLarge: self = .headTooLarge
        case .tooManyFields: self = .tooManyFields
        case .repeatedContentLength: self = .repeatedContentLength
        case .contentLengthWithTransferEncoding: self = .contentLengthWithTransferEncoding
        case .transferEncodingOnHTTP10: self = .transferEncodingOnHTTP10
        case .unknownTransferCoding: self = .unknownTransferCoding
        case .transferEncodingWithoutBody: self = .transferEncodingWithoutBody
        case .tooManyInterimResponses: self = .tooManyInterimResponses
        case .unaskedSwitch: self = .unaskedSwitch
        case .switchToOtherProtocol: self = .switchToOtherProtocol
        case .bytesBehindResponse: self = .bytesBehindResponse
        case .malformed: return nil
        }
    }

    static var reasons: [Reason] {
        allCases.map { Reason(.upstreamFailed, "\($0.rejection.reason)", status: 502, $0.explanation) }
            + malformed.map { rejection, code, meaning in
                Reason(.upstreamFailed, "\(rejection.reason)", status: 502, .malformedResponse(code, meaning))
            }
    }

    var rejection: ResponseRejection {
        switch self {
        case .invalidStatusLine: .invalidStatusLine
        case .unsupportedVersion: .unsupportedVersion
        case .invalidStatus: .invalidStatus
        case .headTooLarge: .headTooLarge
        case .tooManyFields: .tooManyFields
        case .repeatedContentLength: .repeatedContentLength
        case .contentLengthWithTransferEncoding: .contentLengthWithTransferEncoding
        case .transferEncodingOnHTTP10: .transferEncodingOnHTTP10
        case .unknownTransferCoding: .unknownTransferCoding
        case .transferEncodingWithoutBody: .transferEncodingWithoutBody
        case .tooManyInterimResponses: .tooManyInterimResponses
        case .unaskedSwitch: .unaskedSwitch
        case .switchToOtherProtocol: .switchToOtherProtocol
        case .bytesBehindResponse: .bytesBehindResponse
        }
    }

    private var explanation: Explanation {
        switch self {
        case .invalidStatusLine:
            .malformedResponse(
                "invalid_status_line", "The response does not begin with a status line; the port may not speak HTTP/1.")
        case .unsupportedVersion:
            .malformedResponse("unsupported_version", "The response has a version of HTTP other than 1.0 and 1.1.")
        case .invalidStatus: .malformedResponse("invalid_status", "The status is not a number from 100 to 599.")
        case .headTooLarge:
            .malformedResponse("head_too_large", "The head of the response is larger than the gateway accepts.")
        case .tooManyFields:
            .malformedResponse("too_many_fields", "The response has more fields than the gateway accepts.")
        case .repeatedContentLength:
            .malformedResponse("repeated_content_length", "The response has Content-Length more than once.")
        case .contentLengthWithTransferEncoding:
            .malformedResponse(
                "content_length_with_transfer_encoding", "The response states the end of its body in two ways.")
        case .transferEncodingOnHTTP10:
            .malformedResponse("transfer_encoding_on_http10", "A response of HTTP/1.0 has Transfer-Encoding.")
        case .unknownTransferCoding:
            .malformedResponse("unknown_transfer_coding", "The body has a transfer coding other than chunked.")
        case .transferEncodingWithoutBody:
            .malformedResponse(
                "transfer_encoding_without_body", "A response that cannot have a body has Transfer-Encoding.")
        case .tooManyInterimResponses:
            .malformedResponse("too_many_interim_responses", "The server sends interim responses (1xx) without end.")
        case .unaskedSwitch:
            .malformedResponse("unasked_switch", "The server switches protocols, which nobody has asked for.")
        case .switchToOtherProtocol:
            .malformedResponse(
                "switch_to_other_protocol", "The server switches to another protocol than was asked for.")
        case .bytesBehindResponse:
            .malformedResponse("bytes_behind_response", "The server sends bytes behind the end of its response.")
        }
    }

    /// What lines, fields and chunks of a response can have wrong.
    static let malformed: [(RequestRejection, code: String, meaning: String)] = [
        (.bareCarriageReturn, "bare_carriage_return", "A line of the response contains a CR that no LF follows."),
        (.bareLineFeed, "bare_line_feed", "A line of the response ends with LF instead of CR LF."),
        (.obsoleteFolding, "obsolete_folding", "A field of the response continues on the next line."),
        (.spaceBeforeColon, "space_before_colon", "There is white space between a field's name and its colon."),
        (.emptyFieldName, "empty_field_name", "A field of the response has no name."),
        (.invalidFieldName, "invalid_field_name", "A field's name has a byte that no name may have."),
        (.invalidFieldValue, "invalid_field_value", "A field of the response has a control byte in its value."),
        (.missingColon, "missing_colon", "A line of the response's head is no field, because it has no colon."),
        (.invalidContentLength, "invalid_content_length", "Content-Length of the response is not a number."),
        (.invalidChunkSize, "invalid_chunk_size", "The size of a chunk of the response is not a hexadecimal number."),
        (.invalidChunkExtension, "invalid_chunk_extension", "What follows the size of a chunk is not an extension."),
        (.chunkLineTooLong, "chunk_line_too_long", "The line with the size of a chunk is too long."),
        (.invalidChunkEnd, "invalid_chunk_end", "The data of a chunk are not followed by CR LF."),
        (.invalidTrailer, "invalid_trailer", "The trailers have a field that belongs into the head."),
        (.trailersTooLarge, "trailers_too_large", "The fields behind the response's body are too large."),
    ]
}

extension ReasonCatalogue {
    /// Why a health check finds a server down.
    static let ofChecks: [Reason] = [
        Reason(
            .upstreamChecked, "no address",
            Explanation(
                "check_no_address", .upstream, "The name of the server could not be resolved.",
                "Check the name, and resolver of the configuration.")),
        Reason(
            .upstreamChecked, "no connection",
            Explanation(
                "check_no_connection", .upstream,
                "The server refused the connection, or the TLS handshake with it failed.",
                "Check that the server runs and listens at the address in the configuration.")),
        Reason(
            .upstreamChecked, "no answer in time",
            Explanation(
                "check_timeout", .upstream, "The server did not answer the health check within its timeout.",
                "Look for what makes the server slow, or raise health.timeout.")),
        Reason(
            .upstreamChecked, "no HTTP response",
            Explanation(
                "check_no_response", .upstream, "The server's answer to the health check is not a response of HTTP.",
                "Check the port and the scheme of the server's URL.")),
        Reason(
            .upstreamChecked, "status *",
            Explanation(
                "check_wrong_status", .upstream,
                "The health check was answered with a status that does not count as well.",
                "Look at the server's log, or correct the path or the statuses of the health check.")),
        Reason(
            .upstreamChecked, "body without the text looked for",
            Explanation(
                "check_wrong_body", .upstream, "The answer to the health check lacks the text that health requires.",
                "Look at the server's log, or correct the text.")),
    ]
}
