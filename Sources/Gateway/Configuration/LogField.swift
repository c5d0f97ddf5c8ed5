/// A value that a line of an access log may contain.
package struct LogField: Sendable, Equatable {
    package var kind: Kind
    /// The name of the request's field, in lower case, for `requestField`.
    package var name = ""

    package init(_ kind: Kind, name: String = "") {
        self.kind = kind
        self.name = name
    }

    /// Raw values are the names in JSON and in templates.
    package enum Kind: String, BitwiseCopyable, Sendable, CaseIterable {
        // When, and for how long.
        case time, date, clock
        case commonTime = "time_common"
        case unixTime = "time_unix"
        case milliseconds = "duration_ms"
        case headMilliseconds = "head_ms"
        case waitMilliseconds = "wait_ms"
        case responseMilliseconds = "response_ms"
        case queueMilliseconds = "queue_ms"
        case connectMilliseconds = "connect_ms"
        case clientMilliseconds = "client_ms"

        // Who, and where.
        case client, user, host
        case clientPort = "client_port"
        case serverAddress = "server_address"
        case serverPort = "server_port"

        // The request.
        case request, method, path, query, referer, scheme
        case version = "protocol"
        case userAgent = "user_agent"
        case requestID = "request_id"
        case traceID = "trace_id"
        case spanID = "span_id"
        case requestBytes = "request_bytes"
        /// `header.` and a name.
        case requestField = "header"

        // The connection.
        case tlsVersion = "tls_version"
        case tlsCipher = "tls_cipher"
        case tlsGroup = "tls_group"
        case tlsResumed = "tls_resumed"
        case serverName = "server_name"
        case clientSubject = "client_subject"

        // Who has answered.
        case extensionName = "extension"
        case pool, upstream
        case extensionWait = "extension_wait_us"
        case extensionRun = "extension_run_us"
        case upstreamServer = "upstream_server"
        case upstreamRetries = "upstream_retries"

        // The response.
        case status, substatus, bytes, received, reason
        case systemError = "win32_status"
        /// The coding by the gateway, and the bytes before it.
        case coding
        case uncodedBytes = "uncoded_bytes"
    }

    /// As JSON and templates name it.
    package var text: String { kind == .requestField ? "header.\(name)" : kind.rawValue }

    /// Whether the value is a number.
    var isNumber: Bool {
        switch kind {
        case .unixTime, .milliseconds, .clientPort, .serverPort, .status, .substatus, .systemError, .upstreamRetries,
            .bytes, .received, .headMilliseconds, .waitMilliseconds, .responseMilliseconds, .requestBytes,
            .uncodedBytes, .extensionWait, .extensionRun, .queueMilliseconds, .connectMilliseconds, .clientMilliseconds:
            true
        default: false
        }
    }

    /// Whether JSON leaves it out when it is empty. The others are there in every line.
    var isOptional: Bool {
        switch kind {
        case .method, .path, .query, .version, .referer, .userAgent: false
        default: true
        }
    }

    /// Whether the value is only known when a tunnel has ended.
    var isKnownAtEnd: Bool {
        switch kind {
        case .time, .date, .clock, .commonTime, .unixTime, .milliseconds, .bytes, .received: true
        default: false
        }
    }

    /// Whether the value has to be noted while the request is in progress.
    var needsTimes: Bool {
        switch kind {
        case .queueMilliseconds, .connectMilliseconds: true
        default: false
        }
    }

    // MARK: Defaults

    /// The fields of JSON.
    package static let json: [LogField] = [
        .init(.time), .init(.client), .init(.method), .init(.path), .init(.query), .init(.version), .init(.referer),
        .init(.userAgent), .init(.status), .init(.bytes), .init(.milliseconds), .init(.received), .init(.user),
        .init(.requestID), .init(.reason),
    ]

    /// The fields of the slow log in JSON.
    package static let slow: [LogField] = [
        .init(.time), .init(.client), .init(.method), .init(.host), .init(.path), .init(.query), .init(.version),
        .init(.status), .init(.bytes), .init(.requestBytes), .init(.requestID), .init(.milliseconds),
        .init(.headMilliseconds), .init(.queueMilliseconds), .init(.extensionWait), .init(.extensionRun),
        .init(.connectMilliseconds), .init(.waitMilliseconds), .init(.responseMilliseconds),
        .init(.clientMilliseconds), .init(.extensionName), .init(.pool), .init(.upstream), .init(.upstreamServer),
        .init(.upstreamRetries), .init(.reason),
    ]

    /// The fields that IIS writes by default.
    package static let w3c: [LogField] = [
        "date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "cs-username", "c-ip",
        "cs(User-Agent)", "cs(Referer)", "sc-status", "sc-substatus", "sc-win32-status", "time-taken",
    ].compactMap { LogField(w3c: $0) }

    // MARK: Names

    /// The field with this name in JSON and templates; nil when there is none.
    package init?(_ text: String) {
        if text.hasPrefix("header."), let field = Self.requestField(String(text.dropFirst(7))) {
            self = field
        } else if let kind = Kind(rawValue: text), kind != .requestField {
            self.init(kind)
        } else {
            return nil
        }
    }

    /// The field with this name in the W3C extended format, where fields that IIS does not know begin with `x-`.
    package init?(w3c text: String) {
        if let known = Self.w3cNames.first(where: { $0.name == text }) {
            self.init(known.kind)
        } else if text.hasPrefix("cs("), text.hasSuffix(")"),
            let field = Self.requestField(String(text.dropFirst(3).dropLast()))
        {
            self = field
        } else if text.hasPrefix("x-"),
            let kind = Kind(rawValue: String(text.dropFirst(2).map { $0 == "-" ? "_" : $0 })), kind != .requestField,
            kind != .request
        {
            self.init(kind)
        } else {
            return nil
        }
    }

    /// As `#Fields` names it.
    package var w3cName: String {
        if let known = Self.w3cNames.first(where: { $0.kind == kind }) { return known.name }
        if kind == .requestField { return "cs(\(name))" }
        return "x-" + kind.rawValue.map { $0 == "_" ? "-" : $0 }
    }

    static let w3cNames: [(name: String, kind: Kind)] = [
        ("date", .date), ("time", .clock), ("s-ip", .serverAddress), ("s-port", .serverPort), ("c-ip", .client),
        ("cs-method", .method), ("cs-uri-stem", .path), ("cs-uri-query", .query), ("cs-username", .user),
        ("cs-version", .version), ("cs-host", .host), ("cs(User-Agent)", .userAgent), ("cs(Referer)", .referer),
        ("sc-status", .status), ("sc-substatus", .substatus),
        ("sc-win32-status", .systemError), ("sc-bytes", .bytes), ("time-taken", .milliseconds),
    ]

    /// Nil for what is not a name, and for fields that contain credentials.
    private static func requestField(_ name: String) -> LogField? {
        let name = name.lowercased()
        guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte), !hidden.contains(name) else { return nil }
        return LogField(.requestField, name: name)
    }

    private static let hidden: Set<String> = ["authorization", "proxy-authorization", "cookie"]
}
