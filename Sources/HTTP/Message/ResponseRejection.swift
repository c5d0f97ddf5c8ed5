/// Why a response of an upstream server was rejected; each is answered with 502 and closes the connection to the
/// server.
package enum ResponseRejection: Error, Equatable, Sendable {
    case invalidStatusLine, unsupportedVersion, invalidStatus, headTooLarge, tooManyFields
    case repeatedContentLength, contentLengthWithTransferEncoding, transferEncodingOnHTTP10, unknownTransferCoding
    case transferEncodingWithoutBody, tooManyInterimResponses, unaskedSwitch, switchToOtherProtocol
    case bytesBehindResponse
    /// A line, a field or a chunk is malformed in a way that also occurs in requests.
    case malformed(RequestRejection)

    /// A description of the rejection for logs.
    package var reason: StaticString {
        switch self {
        case .invalidStatusLine: "invalid status line"
        case .unsupportedVersion: "unsupported protocol version"
        case .invalidStatus: "invalid status code"
        case .headTooLarge: "response head too large"
        case .tooManyFields: "too many fields"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "Content-Length with Transfer-Encoding"
        case .transferEncodingOnHTTP10: "Transfer-Encoding on HTTP/1.0"
        case .unknownTransferCoding: "unknown transfer coding"
        case .transferEncodingWithoutBody: "Transfer-Encoding in a response without a body"
        case .tooManyInterimResponses: "too many interim responses"
        case .unaskedSwitch: "101 that was not asked for"
        case .switchToOtherProtocol: "switch to a protocol that was not asked for"
        case .bytesBehindResponse: "bytes behind the response"
        case .malformed(let rejection): rejection.reason
        }
    }
}
