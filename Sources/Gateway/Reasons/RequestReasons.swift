import HTTP

extension RequestRejection {
    static var reasons: [Reason] {
        allCases.map { Reason(.requestRefused, "\($0.reason)", status: $0.status, $0.explanation) }
    }

    fileprivate var explanation: Explanation {
        switch self {
        // The request line
        case .invalidRequestLine:
            .malformed(
                "invalid_request_line",
                "The first line is not a method, a target and a version with one space between them.")
        case .invalidMethod:
            .malformed("invalid_method", "The method contains a byte that no name of a method may have.")
        case .invalidTarget:
            .malformed(
                "invalid_target", "The target of the request is neither a path, nor a URL, nor * for OPTIONS.")
        case .requestLineTooLong:
            Explanation(
                "request_line_too_long", .client, "The first line is longer than limits.request_line.",
                "Shorten the URL, for example by sending data in the body; or raise limits.request_line.")
        case .unsupportedVersion:
            .malformed("unsupported_version", "The request has a version of HTTP other than 1.0, 1.1 and 2.")
        case .insecureScheme:
            Explanation(
                "insecure_scheme", .client, "A URL with https was requested on a connection without TLS.",
                "Have the client connect to a listener with TLS.")
        case .tunnelRequested:
            Explanation(
                "tunnel_requested", .client,
                "CONNECT asks for a tunnel to another server, which the gateway does not offer.",
                "Nothing has to be done: the client takes the gateway for a forward proxy, or is a scanner.")
        case .tlsHandshake:
            Explanation(
                "tls_handshake_in_request", .client,
                "A TLS handshake began on a listener without TLS, or inside of TLS.",
                "Use http:// for this port, or give the listener tls.")
        // Lines and fields
        case .bareCarriageReturn:
            .malformed("bare_carriage_return", "A line of the head contains a CR that no LF follows.")
        case .bareLineFeed:
            .malformed("bare_line_feed", "A line ends with LF instead of CR LF, which servers read in different ways.")
        case .obsoleteFolding:
            .malformed("obsolete_folding", "A field continues on a line that begins with white space.")
        case .spaceBeforeColon:
            .malformed("space_before_colon", "There is white space between the name of a field and its colon.")
        case .emptyFieldName: .malformed("empty_field_name", "A field has no name before its colon.")
        case .invalidFieldName:
            .malformed("invalid_field_name", "The name of a field contains a byte that no name may have.")
        case .invalidFieldValue: .malformed("invalid_field_value", "The value of a field contains a control byte.")
        case .missingColon: .malformed("missing_colon", "A line of the head is no field, because it has no colon.")
        case .headTooLarge:
            Explanation(
                "request_head_too_large", .client, "The head of the request is larger than limits.request_head.",
                "Look for cookies that grow, and delete them; or raise limits.request_head.")
        case .tooManyFields:
            Explanation(
                "too_many_fields", .client, "The request has more fields than limits.request_fields.",
                "Send fewer fields, or raise limits.request_fields.")
        // Host
        case .missingHost: .malformed("missing_host", "A request of HTTP/1.1 does not name its host.")
        case .duplicateHost: .malformed("duplicate_host", "The request names its host more than once.")
        case .invalidHost:
            .malformed("invalid_host", "The host of the request is not a name or an address with a port.")
        // Framing
        case .invalidContentLength: .malformed("invalid_content_length", "Content-Length is not a number.")
        case .conflictingContentLength:
            .malformed("conflicting_content_length", "Content-Length occurs more than once.")
        case .contentLengthWithTransferEncoding:
            .malformed(
                "content_length_with_transfer_encoding",
                "The request states the end of its body in two ways, with which requests are smuggled past a proxy.")
        case .transferEncodingOnHTTP10:
            .malformed(
                "transfer_encoding_on_http10", "A request of HTTP/1.0 has Transfer-Encoding, which it does not know.")
        case .repeatedTransferEncoding:
            .malformed("repeated_transfer_encoding", "Transfer-Encoding occurs more than once.")
        case .unknownTransferCoding:
            .malformed("unknown_transfer_coding", "The body has a transfer coding other than chunked.")
        case .invalidChunkSize: .malformed("invalid_chunk_size", "The size of a chunk is not a hexadecimal number.")
        case .invalidChunkExtension:
            .malformed("invalid_chunk_extension", "What follows the size of a chunk is not an extension.")
        case .chunkLineTooLong: .malformed("chunk_line_too_long", "The line with the size of a chunk is too long.")
        case .invalidChunkEnd: .malformed("invalid_chunk_end", "The data of a chunk are not followed by CR LF.")
        case .invalidTrailer:
            .malformed(
                "invalid_trailer", "The trailers have a field that belongs into the head, such as Content-Length.")
        case .trailersTooLarge:
            .malformed("trailers_too_large", "The fields behind the body are larger than a head may be.")
        // Fields of HTTP/2
        case .capitalInFieldName: .malformed("capital_in_field_name", "A field name of HTTP/2 has a capital letter.")
        case .blankAroundFieldValue:
            .malformed("blank_around_field_value", "A field value of HTTP/2 begins or ends with white space.")
        case .unknownPseudoField:
            .malformed("unknown_pseudo_field", "A field begins with a colon and is none of HTTP/2.")
        case .misplacedPseudoField:
            .malformed("misplaced_pseudo_field", "A pseudo-field of HTTP/2 stands behind another field.")
        case .repeatedPseudoField: .malformed("repeated_pseudo_field", "A pseudo-field of HTTP/2 occurs twice.")
        case .missingPseudoField:
            .malformed("missing_pseudo_field", "A request of HTTP/2 has no :method, :scheme or :path.")
        case .invalidScheme: .malformed("invalid_scheme", "The scheme is not that of the connection.")
        case .connectionField:
            .malformed("connection_field", "A request of HTTP/2 has a field about the connection, such as Connection.")
        case .hostMismatch:
            .malformed(
                "host_mismatch", "Host and :authority name different hosts, so that it is unclear which is meant.")
        case .contentLengthMismatch:
            .malformed("content_length_mismatch", "Content-Length is not the length of the content that was sent.")
        // Policy
        case .unknownExpectation:
            Explanation(
                "unknown_expectation", .client, "The request has an Expect other than 100-continue.",
                "Remove the field from the client.")
        case .invalidForwarded:
            Explanation(
                "invalid_forwarded", .upstream, "Forwarded of a trusted proxy has a quote that does not end.",
                "Correct the proxy named in trusted.from; no client is known without the field.")
        case .bodyTooLarge:
            Explanation(
                "body_too_large", .client,
                "The body is larger than limits.request_body, or than the route's request_body.",
                "Send less, or raise the limit of the route that is meant for uploads.")
        case .invalidPercentEncoding:
            .malformed("invalid_percent_encoding", "The path has a % that two hexadecimal digits do not follow.")
        case .pathEscapesRoot:
            .malformed("path_escapes_root", "The path has more .. than folders above which it could lead.")
        case .forbiddenPathByte: .malformed("forbidden_path_byte", "The decoded path has a control byte, such as NUL.")
        case .backslashInPath:
            Explanation(
                "backslash_in_path", .client, "The path has a backslash, which some programs read as a slash.",
                "Correct the link; or set allow_backslash: true on the route, if its server needs it.")
        case .pathParameter:
            Explanation(
                "path_parameter", .client, "The path has a ; and allow_path_parameters is false for its route.",
                "Correct the link; or allow parameters on the route, if no rule can be bypassed by them.")
        case .headTimeout:
            Explanation(
                "head_timeout", .client, "The head of the request was not complete within limits.header_timeout.",
                "Usually a lost or idle connection. If real clients are affected, raise limits.header_timeout.")
        case .bodyTimeout:
            Explanation(
                "body_timeout", .client, "Nothing of the body arrived for limits.body_timeout.",
                "Usually a lost connection. If real clients are affected, raise limits.body_timeout.")
        case .bodyTooSlow:
            Explanation(
                "body_too_slow", .client, "The body arrived below limits.min_request_rate.",
                "It protects against slow clients; lower limits.min_request_rate if real ones are affected.")
        case .tooManyConnections:
            Explanation(
                "too_many_connections_behind_proxy", .client,
                "The client that a trusted proxy names has more connections than limits.client_connections.",
                "Raise limits.client_connections if many users share that address.")
        // The coding of the body
        case .invalidBodyCoding:
            .malformed("invalid_body_coding", "The body is not coded as its Content-Encoding says.")
        case .bodyExpandsTooMuch:
            Explanation(
                "body_expands_too_much", .client,
                "The decoded body is larger, or expands further, than the route allows.",
                "It is how a small upload fills memory; raise decode_request.ratio if the data are as expected."
            )
        case .decodingUnavailable:
            Explanation(
                "decoding_unavailable", .gateway,
                "limits.compression_memory is used up, so that the body is not decoded.",
                "Raise limits.compression_memory.")
        case .bodyNotHeld:
            Explanation(
                "body_not_held", .gateway,
                "The body has to be held before it is passed on, and there is no room for it.",
                "Free space where temporary files are kept, or lower the limit of bodies.")
        }
    }
}
