import HTTP
import Memory
import Transport

/// Writes the head of a request for the server, from parsed values only.
///
/// Fields of the client's connection are not forwarded, the framing is the gateway's own, and the fields about the
/// origin are written by the gateway: the server would trust values of a client.
struct ForwardedRequest {
    let exchange: Exchange

    /// Whether the client requests another protocol that may be passed on: not h2c, which would bypass the gateway, and
    /// not with a body.
    let upgrade: Slice?
    /// How the rest of the body will be framed; determined by what is left to read, not by a head.
    let framing: BodyFraming
    /// Whether a subrequest about the request is written in place of it.
    private let isQuestion: Bool
    /// Whether the body is buffered already, so that nothing waits for 100 (Continue).
    private let isHeld: Bool
    private let connection: ConnectionFields

    /// - Parameter body: the request's, if it is buffered.
    init(_ exchange: Exchange, body: Spool?, question: AuthorizationQuestion?) {
        self.exchange = exchange
        isQuestion = question != nil
        isHeld = body != nil
        if isQuestion {
            framing = .none
        } else if let body {
            framing = exchange.trailers.isEmpty ? .length(UInt64(body.count)) : .chunked
        } else if exchange.hasBodyEnded {
            framing = exchange.head.framing == .none ? .none : .length(0)
        } else {
            framing = exchange.remainingBody.map { .length($0) } ?? .chunked
        }
        connection = ConnectionFields(exchange.headBytes, exchange.fields)
        upgrade = connection.asksForUpgrade && !isQuestion ? Self.acceptableUpgrade(exchange) : nil
    }

    private static func acceptableUpgrade(_ exchange: Exchange) -> Slice? {
        let head = exchange.head
        guard head.version != .http10, head.method == .get, head.framing == .none,
            let value = exchange.value(named: "upgrade")
        else { return nil }
        let span = exchange.headBytes.bytes
        let range = value.range
        var isAcceptable = !value.isEmpty
        span.forEachElement(from: range.lowerBound, to: range.upperBound) { start, end in
            if span.hasPrefix("h2", from: start, to: end) || span.hasPrefix("http/", from: start, to: end) {
                isAcceptable = false
            }
        }
        return isAcceptable ? value : nil
    }

    /// Returns false when there is no path that may be requested from the server.
    ///
    /// - Parameter question: the subrequest that is written in place of the request.
    func append(
        to output: inout OutputBuffer, _ route: ProxyRoute, _ server: UpstreamServer, _ question: AuthorizationQuestion?
    ) -> Bool {
        if let question {
            output.append("GET ")
            question.target.withBytes { output.append($0) }
        } else {
            output.append(exchange.bytes(of: exchange.head.methodToken))
            output.append(" ")
            guard ForwardedTarget.append(exchange, route, to: &output) else { return false }
        }
        output.append(" HTTP/1.1\r\nHost: ")
        appendHost(to: &output, route, server)
        output.append("\r\n")
        let given = appendFields(to: &output, route)
        switch framing {
        case .none: break
        case .length(let count):
            output.append("Content-Length: ")
            output.appendDecimal(count)
            output.append("\r\n")
        case .chunked: output.append("Transfer-Encoding: chunked\r\n")
        }
        appendOrigin(to: &output, given: given)
        if isQuestion { appendAskedRequest(to: &output) }
        appendRequestID(to: &output, route)
        appendTraceContext(to: &output, route)
        route.added.withBytes { output.append($0) }
        if let upgrade {
            output.append("Connection: upgrade\r\nUpgrade: ")
            output.append(exchange.bytes(of: upgrade))
            output.append("\r\n")
        }
        output.append("\r\n")
        return true
    }

    private func appendHost(to output: inout OutputBuffer, _ route: ProxyRoute, _ server: UpstreamServer) {
        let authority = exchange.head.authority
        switch route.host {
        case .fromClient where !authority.isEmpty: output.append(exchange.bytes(of: authority))
        case .fromClient, .fromServer: server.authority.withBytes { output.append($0) }
        case .fixed(let name): name.withBytes { output.append($0) }
        }
    }

    /// The id of the request for the server, unless the route has other rules for the field.
    private func appendRequestID(to output: inout OutputBuffer, _ route: ProxyRoute) {
        if !route.removed.isEmpty, exchange.requestIDs.field.withBytes({ route.removes($0) }) {
            return
        }
        exchange.appendRequestID(to: &output)
    }

    /// The same for the request's place in its trace.
    private func appendTraceContext(to output: inout OutputBuffer, _ route: ProxyRoute) {
        if !route.removed.isEmpty, route.removes(ByteView(TraceContext.parentField)) { return }
        exchange.appendTraceContext(to: &output)
    }

    /// Forwards the client's fields; returns which of the gateway's own are among them.
    ///
    /// The client's value of the request id field is used only if the client's ids are accepted.
    private func appendFields(to output: inout OutputBuffer, _ route: ProxyRoute) -> OwnFields {
        var given: OwnFields = []
        let trusted = exchange.trustedField
        let fields = exchange.fields
        let bytes = exchange.headBytes
        let span = bytes.bytes
        var copier = FieldCopier(bytes)
        let isCounted = MaxForwards.concerns(exchange.head.method)
        for index in 0..<fields.count {
            let field = fields[index]
            if connection.isHopByHop(field) { continue }
            let name = field.name
            if VariableName.isAmbiguous(span, from: name.first, to: name.end), isDouble(of: name, route) { continue }
            switch field.known {
            case .host: continue
            case .expect where isHeld || isQuestion: continue
            case .other:
                switch Self.own(span, name.first, name.end) {
                case nil:
                    if exchange.isRequestIDField(field.name) || exchange.isReplacedByTraceContext(bytes[name.range]) {
                        continue
                    }
                case .origin?: continue
                // A trusted proxy has received the client's connection.
                case let field? where trusted == .xForwardedFor && (field != .other || !isQuestion):
                    given.insert(field)
                case _?: continue
                }
            default: break
            }
            if !route.removed.isEmpty, route.removes(bytes[name.range]) {
                continue
            }
            if isCounted, span.equals("max-forwards", from: name.first, to: name.end) {
                copier.finish(to: &output)
                MaxForwards.append(field.value, of: exchange, to: &output)
                continue
            }
            copier.copy(field, to: &output)
        }
        copier.finish(to: &output)
        return given
    }

    /// Whether CGI's rules map the name to the same variable as a field that the gateway writes, or removes.
    @inline(never)
    private func isDouble(of name: Slice, _ route: ProxyRoute) -> Bool {
        let bytes = exchange.bytes(of: name)
        if exchange.isRequestIDField(name) { return true }
        if route.removesVariable(bytes) { return true }
        return Self.ownPrefixes.contains { VariableName.hasPrefix(bytes.bytes, $0) }
            || Self.ownNames.contains { VariableName.isSame(bytes.bytes, as: $0) }
    }

    private static let ownPrefixes: [StaticString] = ["x-forwarded-"]
    private static let ownNames: [StaticString] = [
        "x-real-ip", "content-length", "transfer-encoding", "keep-alive", "http2-settings", "proxy-connection",
        "proxy-authenticate", "proxy-authorization",
    ]

    /// Which of the gateway's own fields the name is; nil for any other.
    @inline(__always)
    private static func own(_ span: RawSpan, _ start: Int, _ end: Int) -> OwnFields? {
        switch lowercase(span.byte(at: start)) {
        case UInt8(ascii: "x"):
            if span.hasPrefix("x-forwarded-", from: start, to: end) {
                if span.equals("x-forwarded-for", from: start, to: end) { return .origin }
                if span.equals("x-forwarded-proto", from: start, to: end) { return .scheme }
                if span.equals("x-forwarded-host", from: start, to: end) { return .host }
                return span.equals("x-forwarded-port", from: start, to: end) ? .port : .other
            }
            return span.equals("x-real-ip", from: start, to: end) ? .origin : nil
        case UInt8(ascii: "f"): return span.equals("forwarded", from: start, to: end) ? .origin : nil
        default: return nil
        }
    }
}

extension OutputBuffer {
    /// The address without its port, as text.
    mutating func appendHost(of address: SocketAddress) {
        append(upTo: SocketAddress.maximumHostText) { room in address.writeHost(to: room) }
    }
}
