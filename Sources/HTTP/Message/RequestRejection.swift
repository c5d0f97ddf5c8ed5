/// Why a request was rejected before it was routed.
///
/// Each case is one way in which a request can be malformed or too large; its `reason` appears in the log and in the
/// response. Every rejection closes the connection, because the bytes that follow can no longer be trusted.
package enum RequestRejection: UInt8, Error, CaseIterable, Sendable {
    // The request line (RFC 9112 §3)
    case invalidRequestLine, invalidMethod, invalidTarget, requestLineTooLong, unsupportedVersion
    /// The target is not served on this connection (RFC 9110 §7.4).
    case insecureScheme
    /// CONNECT: the bytes after it would be those of a tunnel and not requests.
    case tunnelRequested
    /// The client starts a TLS handshake on a plain connection, or a second one inside TLS.
    case tlsHandshake
    // Lines and fields (RFC 9112 §2.2, §5; RFC 9110 §5.5)
    case bareCarriageReturn, bareLineFeed, obsoleteFolding, spaceBeforeColon, emptyFieldName, invalidFieldName
    case invalidFieldValue, missingColon, headTooLarge, tooManyFields
    // Host (RFC 9112 §3.2)
    case missingHost, duplicateHost, invalidHost
    // Framing (RFC 9112 §6)
    case invalidContentLength, conflictingContentLength, contentLengthWithTransferEncoding
    case transferEncodingOnHTTP10, repeatedTransferEncoding, unknownTransferCoding
    case invalidChunkSize, invalidChunkExtension, chunkLineTooLong, invalidChunkEnd, invalidTrailer, trailersTooLarge
    // Fields of HTTP/2 (RFC 9113 §8.2, §8.3)
    case capitalInFieldName, blankAroundFieldValue, unknownPseudoField, misplacedPseudoField, repeatedPseudoField
    case missingPseudoField, invalidScheme, connectionField, hostMismatch, contentLengthMismatch
    // Policy
    case unknownExpectation, invalidForwarded, bodyTooLarge, invalidPercentEncoding, pathEscapesRoot, forbiddenPathByte
    case backslashInPath, pathParameter
    case headTimeout, bodyTimeout, bodyTooSlow
    /// Too many connections of a client that a trusted proxy names.
    case tooManyConnections
    // The coding of the body (RFC 9110 §8.4)
    case invalidBodyCoding, bodyExpandsTooMuch, decodingUnavailable
    /// The body had to be buffered before it is forwarded, and there is no room for it.
    case bodyNotHeld

    /// The status code of the response (RFC 9110 §15).
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .unsupportedVersion: 505
        case .unknownTransferCoding, .tunnelRequested: 501
        case .insecureScheme: 421
        case .unknownExpectation: 417
        case .bodyTooLarge, .bodyExpandsTooMuch: 413
        case .decodingUnavailable: 503
        case .bodyNotHeld: 507
        case .headTimeout, .bodyTimeout, .bodyTooSlow: 408
        case .tooManyConnections: 429
        default: 400
        }
    }

    /// A description of the rejection for logs and the response body.
    package var reason: StaticString {
        switch self {
        case .invalidRequestLine: "invalid request line"
        case .invalidMethod: "invalid method"
        case .invalidTarget: "invalid request target"
        case .requestLineTooLong: "request line too long"
        case .unsupportedVersion: "unsupported protocol version"
        case .insecureScheme: "https target on a connection without TLS"
        case .tunnelRequested: "CONNECT is not offered"
        case .tlsHandshake: "TLS handshake in place of a request"
        case .bareCarriageReturn: "bare CR"
        case .bareLineFeed: "bare LF"
        case .obsoleteFolding: "obsolete line folding"
        case .spaceBeforeColon: "white space before the colon of a field"
        case .emptyFieldName: "empty field name"
        case .invalidFieldName: "invalid field name"
        case .invalidFieldValue: "control byte in a field value"
        case .missingColon: "field line without a colon"
        case .headTooLarge: "request head too large"
        case .tooManyFields: "too many fields"
        case .missingHost: "missing Host"
        case .duplicateHost: "more than one Host"
        case .invalidHost: "invalid Host"
        case .invalidContentLength: "invalid Content-Length"
        case .conflictingContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "Content-Length with Transfer-Encoding"
        case .transferEncodingOnHTTP10: "Transfer-Encoding on HTTP/1.0"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .unknownTransferCoding: "unknown transfer coding"
        case .invalidChunkSize: "invalid chunk size"
        case .invalidChunkExtension: "invalid chunk extension"
        case .chunkLineTooLong: "chunk size line too long"
        case .invalidChunkEnd: "chunk data not followed by CRLF"
        case .invalidTrailer: "invalid trailer field"
        case .trailersTooLarge: "trailers too large"
        case .capitalInFieldName: "capital letter in a field name"
        case .blankAroundFieldValue: "white space around a field value"
        case .unknownPseudoField: "unknown pseudo-field"
        case .misplacedPseudoField: "pseudo-field behind a field"
        case .repeatedPseudoField: "repeated pseudo-field"
        case .missingPseudoField: "missing pseudo-field"
        case .invalidScheme: "invalid scheme"
        case .connectionField: "field of a connection"
        case .hostMismatch: "Host other than :authority"
        case .contentLengthMismatch: "Content-Length other than the content"
        case .unknownExpectation: "unknown expectation"
        case .invalidForwarded: "unpaired quote in Forwarded"
        case .bodyTooLarge: "request body too large"
        case .invalidPercentEncoding: "invalid percent-encoding in the path"
        case .pathEscapesRoot: "path leaves the root"
        case .forbiddenPathByte: "control byte in the path"
        case .backslashInPath: "backslash in the path"
        case .pathParameter: "parameter in the path"
        case .headTimeout: "request head not received in time"
        case .bodyTimeout: "request body not received in time"
        case .bodyTooSlow: "request body received too slowly"
        case .tooManyConnections: "too many connections of one client"
        case .invalidBodyCoding: "malformed coding of the request body"
        case .bodyExpandsTooMuch: "request body expands too much"
        case .decodingUnavailable: "no memory to decode the request body"
        case .bodyNotHeld: "no room to hold the request"
        }
    }
}
