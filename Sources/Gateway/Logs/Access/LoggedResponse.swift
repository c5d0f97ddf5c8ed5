import HTTP
import Memory
import Transport

/// A request and its response, as the lines of logs describe them.
struct LoggedResponse: ~Copyable {
    let exchange: Exchange
    let milliseconds: UInt64
    private let now: Deadline
    private let clock: LogClock
    /// False for a request that was refused before it was parsed.
    private let isUnderstood: Bool

    /// Whether the request is in progress.
    private let isRunning: Bool

    init(_ exchange: Exchange, clock: LogClock, now: Deadline, isRunning: Bool = false) {
        self.exchange = exchange
        self.isRunning = isRunning
        self.clock = clock
        self.now = now
        milliseconds = now.milliseconds - exchange.began.milliseconds
        isUnderstood = !exchange.head.methodToken.isEmpty
    }

    /// Appends a value; nothing if there is none.
    func append(_ field: LogField.Kind, to line: inout OutputBuffer, _ escaping: LineEscaping) {
        switch field {
        case .time: clock.appendISO8601(to: &line)
        case .date: clock.appendDate(to: &line)
        case .clock: clock.appendClock(to: &line)
        case .commonTime: clock.appendCommonLog(to: &line)
        case .unixTime: line.appendDecimal(UInt64(clock.unixSeconds))
        case .milliseconds: line.appendDecimal(milliseconds)
        case .headMilliseconds: if isUnderstood { line.appendDecimal(exchange.headMilliseconds) }
        case .waitMilliseconds: appendDecimal(exchange.waitMilliseconds(now: now), to: &line)
        case .responseMilliseconds: line.appendDecimal(exchange.responseMilliseconds(now: now))
        case .queueMilliseconds: appendDecimal(exchange.queueMilliseconds(now: now), to: &line)
        case .connectMilliseconds: appendDecimal(exchange.connectMilliseconds(now: now), to: &line)
        case .clientMilliseconds: line.appendDecimal(exchange.clientMilliseconds(now: now))
        case .client: append(exchange.clientAddress, to: &line, escaping)
        case .clientPort: appendPort(exchange.clientAddress.port, to: &line)
        case .serverAddress: append(exchange.endpoint.localAddress, to: &line, escaping)
        case .serverPort: appendPort(exchange.endpoint.localAddress.port, to: &line)
        case .user: if let user = exchange.user { line.append(user, as: escaping) }
        case .host: append(exchange.head.authority, to: &line, escaping)
        case .scheme: line.append(exchange.connection.stream.isSecure ? "https" : "http" as StaticString)
        case .request: appendRequest(to: &line, escaping)
        case .method: append(exchange.head.methodToken, to: &line, escaping)
        case .path: appendPath(to: &line, escaping)
        case .query: appendQuery(to: &line, escaping)
        case .version: if isUnderstood { line.append(ByteView(exchange.head.version.name)) }
        case .referer: if let value = exchange.value(named: "referer") { append(value, to: &line, escaping) }
        case .userAgent: if let value = exchange.value(named: "user-agent") { append(value, to: &line, escaping) }
        case .requestField: break
        case .requestID: if isUnderstood { appendRequestID(to: &line) }
        case .traceID: if isUnderstood { exchange.traceContext?.withTraceText { line.append($0) } }
        case .spanID: if isUnderstood { exchange.traceContext?.withSpanText { line.append($0) } }
        case .requestBytes: if isUnderstood { line.appendDecimal(exchange.receivedBodyBytes) }
        case .tlsVersion: append(security?.protocolName, to: &line, escaping)
        case .tlsCipher: append(security?.cipherName, to: &line, escaping)
        case .tlsGroup: append(security?.groupName, to: &line, escaping)
        case .tlsResumed: append(security.map { $0.isResumed ? "yes" : "no" }, to: &line, escaping)
        case .serverName: append(security?.serverName, to: &line, escaping)
        case .clientSubject: append(verifiedClient?.subject, to: &line, escaping)
        case .extensionName: append(exchange.logExtension, to: &line, escaping)
        case .pool: append(exchange.logPool, to: &line, escaping)
        case .extensionWait: if let times = exchange.extensionTimes { line.appendDecimal(times.waited) }
        case .extensionRun: if let times = exchange.extensionTimes { line.appendDecimal(times.ran) }
        case .upstream: append(exchange.logUpstream, to: &line, escaping)
        case .upstreamServer: append(exchange.logServer, to: &line, escaping)
        case .upstreamRetries: if exchange.logAttempts > 0 { line.appendDecimal(UInt64(exchange.logAttempts - 1)) }
        case .status: if !isRunning || exchange.isResponseBegun { line.appendDecimal(UInt64(exchange.status)) }
        case .substatus: line.appendDecimal(UInt64(exchange.logSubstatus))
        case .systemError: line.appendDecimal(0)
        case .bytes: line.appendDecimal(exchange.contentBytes)
        case .received: break
        case .coding: if let coding = exchange.appliedCoding { line.append(ByteView(coding.name)) }
        case .uncodedBytes: if let coding = exchange.appliedCoding { line.appendDecimal(coding.uncodedBytes) }
        case .reason: if let reason = exchange.logReason { line.append(ByteView(reason), as: escaping) }
        }
    }

    /// Appends the value of the first field with this name.
    ///
    /// - Parameter name: in lower case.
    func appendField(named name: [UInt8], to line: inout OutputBuffer, _ escaping: LineEscaping) {
        let fields = exchange.fields
        for index in 0..<fields.count
        where FieldSyntax.isNamed(exchange.bytes(of: fields[index].name).bytes, name) {
            return append(fields[index].value, to: &line, escaping)
        }
    }

    private var security: SecurityDescription? { exchange.connection.stream.security }

    private var verifiedClient: SecurityDescription.ClientCertificate? {
        security?.clientCertificate.flatMap { $0.failure == nil ? $0 : nil }
    }

    private func appendDecimal(_ value: UInt64?, to line: inout OutputBuffer) {
        if let value { line.appendDecimal(value) }
    }

    private func append(_ text: String?, to line: inout OutputBuffer, _ escaping: LineEscaping) {
        if let text { line.append(text, as: escaping) }
    }

    private func append(_ slice: Slice, to line: inout OutputBuffer, _ escaping: LineEscaping) {
        guard !slice.isEmpty else { return }
        line.append(exchange.bytes(of: slice), as: escaping)
    }

    private func append(_ address: SocketAddress, to line: inout OutputBuffer, _ escaping: LineEscaping) {
        withTemporaryBytes(SocketAddress.maximumHostText) { room in
            let count = address.writeHost(to: room)
            line.append(room[..<count].view, as: escaping)
        }
    }

    private func appendPort(_ port: UInt16, to line: inout OutputBuffer) {
        if port != 0 { line.appendDecimal(UInt64(port)) }
    }

    /// Its bytes need no escaping in any format.
    private func appendRequestID(to line: inout OutputBuffer) {
        exchange.requestID.append(to: &line)
    }

    /// The path and query of the request line, and what an extension has added to the query.
    private func appendRequest(to line: inout OutputBuffer, _ escaping: LineEscaping) {
        guard isUnderstood else { return }
        append(exchange.head.methodToken, to: &line, escaping)
        line.append(" ", as: escaping)
        appendPath(to: &line, escaping)
        let end = line.count
        line.append(UInt8(ascii: "?"))
        appendQuery(to: &line, escaping)
        if line.count == end + 1 { line.removeLast(1) }
        line.append(" ", as: escaping)
        line.append(ByteView(exchange.head.version.name))
    }

    private func appendPath(to line: inout OutputBuffer, _ escaping: LineEscaping) {
        let head = exchange.head
        append(head.form == .authority ? head.target : head.path, to: &line, escaping)
    }

    private func appendQuery(to line: inout OutputBuffer, _ escaping: LineEscaping) {
        append(exchange.head.query, to: &line, escaping)
        if let parameter = exchange.logParameter { line.append(parameter, as: escaping) }
    }
}

/// What is known of a request when the tunnel that it has become has ended.
struct TunnelEnd: ~Copyable {
    let status: Int
    let tally: SuccessionTally
    let milliseconds: UInt64
    let clock: LogClock

    func append(_ field: LogField.Kind, to line: inout OutputBuffer) {
        switch field {
        case .time: clock.appendISO8601(to: &line)
        case .date: clock.appendDate(to: &line)
        case .clock: clock.appendClock(to: &line)
        case .commonTime: clock.appendCommonLog(to: &line)
        case .unixTime: line.appendDecimal(UInt64(clock.unixSeconds))
        case .milliseconds: line.appendDecimal(milliseconds)
        case .bytes: line.appendDecimal(tally.toClient)
        case .received: line.appendDecimal(tally.fromClient)
        default: break
        }
    }
}
