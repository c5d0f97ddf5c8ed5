import HTTP
import Transport

/// The data of one request in a line of the access log.
struct AccessRecord {
    let client: String
    /// The authenticated user; empty for none.
    let user: String
    let server: String
    let serverPort: Int
    let method: String
    let path: String
    let query: String
    let version: String
    let status: Int
    let substatus: Int
    /// Sent to the client: of the body, or of a tunnel.
    var bytes: UInt64
    /// Received from the client through a tunnel; nil without one.
    var received: UInt64?
    let referer: String
    let userAgent: String
    var milliseconds: UInt64
    /// The reason for the status if the gateway decided it; empty otherwise.
    let reason: String
    /// Empty for a request without an id.
    let requestID: String

    /// - Parameter isNamed: whether the line contains the request's id; one is generated if necessary.
    init(_ exchange: Exchange, now: Deadline, isNamed: Bool) {
        let head = exchange.head
        let endpoint = exchange.connection.endpoint
        client = exchange.clientAddress.host
        user = exchange.user ?? ""
        server = endpoint.localAddress.host
        serverPort = Int(endpoint.localAddress.port)
        method = exchange.text(of: head.methodToken)
        path = exchange.text(of: head.form == .authority ? head.target : head.path)
        query = exchange.text(of: head.query) + (exchange.logParameter ?? "")
        // A request that was refused before it was parsed has neither.
        let isUnderstood = !method.isEmpty
        version = isUnderstood ? "\(head.version.name)" : ""
        status = exchange.status
        substatus = exchange.logSubstatus
        bytes = exchange.contentBytes
        referer = exchange.value(named: "referer").map { exchange.text(of: $0) } ?? ""
        userAgent = exchange.value(named: "user-agent").map { exchange.text(of: $0) } ?? ""
        milliseconds = now.milliseconds - exchange.began.milliseconds
        reason = exchange.logReason.map { "\($0)" } ?? ""
        requestID = isNamed && isUnderstood ? exchange.requestID.text : ""
    }

    /// Apache's and nginx's combined format; quotes, backslashes and control bytes as `\xHH`.
    func appendCombined(to line: inout [UInt8], at stamp: Timestamp) {
        line.append(contentsOf: "\(client) - ".utf8)
        line.appendEscaped(user.isEmpty ? "-" : user, alsoSpaces: true)
        line.append(contentsOf: " [\(stamp.commonLog)] \"".utf8)
        if method.isEmpty {
            line.append(UInt8(ascii: "-"))
        } else {
            line.appendEscaped("\(method) \(path)\(query.isEmpty ? "" : "?" + query) \(version)")
        }
        line.append(contentsOf: "\" \(status) \(bytes) \"".utf8)
        line.appendEscaped(referer.isEmpty ? "-" : referer)
        line.append(contentsOf: "\" \"".utf8)
        line.appendEscaped(userAgent.isEmpty ? "-" : userAgent)
        line.append(contentsOf: "\"\n".utf8)
    }

    func appendJSON(to line: inout [UInt8], at stamp: Timestamp) {
        line.append(contentsOf: "{\"time\":\"\(stamp.iso8601)\",\"client\":\"\(client)\"".utf8)
        for (key, value) in [
            ("method", method), ("path", path), ("query", query), ("protocol", version), ("referer", referer),
            ("user_agent", userAgent),
        ] {
            line.append(contentsOf: ",\"\(key)\":\"".utf8)
            line.appendJSONEscaped(value)
            line.append(UInt8(ascii: "\""))
        }
        line.append(contentsOf: ",\"status\":\(status),\"bytes\":\(bytes),\"duration_ms\":\(milliseconds)".utf8)
        if let received { line.append(contentsOf: ",\"received\":\(received)".utf8) }
        if !user.isEmpty {
            line.append(contentsOf: ",\"user\":\"".utf8)
            line.appendJSONEscaped(user)
            line.append(UInt8(ascii: "\""))
        }
        if !requestID.isEmpty { line.append(contentsOf: ",\"request_id\":\"\(requestID)\"".utf8) }
        if !reason.isEmpty { line.append(contentsOf: ",\"reason\":\"\(reason)\"".utf8) }
        line.append(contentsOf: "}\n".utf8)
    }

    /// The W3C extended log with the fields IIS writes by default; `-` for empty, `+` for white space.
    func appendW3C(to line: inout [UInt8], at stamp: Timestamp) {
        line.append(contentsOf: "\(stamp.date) \(stamp.clock) ".utf8)
        for field in [
            server, method, path, query, serverPort == 0 ? "" : "\(serverPort)", user, client, userAgent, referer,
        ] {
            line.appendW3CField(field)
            line.append(UInt8(ascii: " "))
        }
        line.append(contentsOf: "\(status) \(substatus) 0 \(milliseconds)\n".utf8)
    }
}

extension [UInt8] {
    fileprivate mutating func appendEscaped(_ text: String, alsoSpaces: Bool = false) {
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
                || alsoSpaces && byte == 0x20
            {
                append(contentsOf: "\\x".utf8)
                appendHexadecimal(byte)
            } else {
                append(byte)
            }
        }
    }

    fileprivate mutating func appendJSONEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20, 0x7F:
                append(contentsOf: "\\u00".utf8)
                appendHexadecimal(byte)
            default: append(byte)
            }
        }
    }

    fileprivate mutating func appendW3CField(_ text: String) {
        guard !text.isEmpty else { return append(UInt8(ascii: "-")) }
        for byte in text.utf8 { append(byte <= 0x20 || byte == 0x7F ? UInt8(ascii: "+") : byte) }
    }

    private mutating func appendHexadecimal(_ byte: UInt8) {
        for nibble in [byte >> 4, byte & 15] { append(nibble < 10 ? 48 + nibble : 55 + nibble) }
    }
}
