import HTTP
import Memory
import Transport

// The interpretation of response heads, and their forwarding to the client.
extension UpstreamExchange {
    /// Takes a complete head and prepares for the bytes after it; true when the protocol was switched.
    func takeHead(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ route: ProxyRoute
    ) throws(ResponseRejection) -> Bool {
        let head = parser.head
        if head.status == 101 {
            try switchProtocols(exchange, connection)
            return true
        }
        if head.isInterim {
            interimCount += 1
            guard interimCount <= UpstreamSettings.maximumInterimResponses else { throw .tooManyInterimResponses }
            if !isInquiry { takeInterim(exchange) }
            consume(head.length)
            parser.reset()
            return false
        }
        // The client gets its final response without having sent its body.
        if upload == .awaitingContinue {
            upload = .none
            isSendingBroken = true
        }
        let given = isInquiry ? appendFields() : appendFields(of: exchange, turnedBackBy: route)
        if let stickyField { stickyField.withBytes { fields.append($0) } }
        if let held {
            held.begin(head, reason: bytes(of: head.reason), fields: fields.unsent, given: given)
        } else {
            let length: BodyLength = head.declaredLength.map { .known($0) } ?? .unknown
            // A server that already knows its whole response is not going to read the rest of the request.
            let leavesBody = head.declaredLength != nil && upload != .none && exchange.leavesBodyUnread
            exchange.beginResponse(
                status: head.status, reason: bytes(of: head.reason), fields: fields.unsent, length: length,
                keepAlive: !leavesBody, given: given)
        }
        fields.removeAll()
        consume(head.length)
        download = .body(ResponseBody(head.framing))
        return false
    }

    /// 100 starts the body, and the client receives 100 when the body is read; the others are forwarded to clients that
    /// support them (RFC 9110 §15.2).
    private func takeInterim(_ exchange: Exchange) {
        let head = parser.head
        if head.status == 100 {
            if upload == .awaitingContinue { upload = .streaming }
        } else if exchange.head.version != .http10 {
            _ = appendFields()
            exchange.appendInterimResponse(
                status: head.status, reason: bytes(of: head.reason), fields: fields.unsent)
            fields.removeAll()
        }
    }

    private func bytes(of slice: Slice) -> ByteView {
        unread[slice.range]
    }

    /// Collects the lines of the fields that are forwarded; returns which of the gateway's own are among them.
    ///
    /// - Parameter route: the route of the request, for rewriting the server's paths and name.
    private func appendFields(of exchange: Exchange? = nil, turnedBackBy route: ProxyRoute? = nil) -> CommonFields {
        let message = unread
        let span = message.bytes
        let lines = parser.fields
        let connection = ConnectionFields(message, lines)
        var copier = FieldCopier(message)
        var given = CommonFields()
        for index in 0..<lines.count {
            let field = lines[index]
            if connection.isHopByHop(field) { continue }
            if case .other = field.known {
                let name = field.name
                if name.count == 4, span.equals("date", from: name.first, to: name.end) {
                    given = given | .date
                } else if name.count == 6, span.equals("server", from: name.first, to: name.end) {
                    given = given | .server
                } else if ResponseRewriting.concerns(field, span), let exchange, let route, let server = unsafe server {
                    copier.finish(to: &fields)
                    let rewriting = ResponseRewriting(exchange, route, server)
                    if rewriting.append(field, of: message, to: &fields) { continue }
                }
            }
            copier.copy(field, to: &fields)
        }
        copier.finish(to: &fields)
        return given
    }

    /// Switches to the protocol that both sides agreed on.
    private func switchProtocols(
        _ exchange: Exchange, _ connection: UpstreamConnection
    ) throws(ResponseRejection) {
        guard let upgrade, upload == .none, output.isEmpty else { throw .unaskedSwitch }
        let head = parser.head
        let message = unread
        var chosen: Slice?
        for index in 0..<head.fieldCount {
            let field = parser.fields[index]
            let name = field.name.range
            if message.bytes.equals("upgrade", from: name.lowerBound, to: name.upperBound) {
                chosen = field.value
            }
        }
        guard let chosen, isOffered(bytes(of: chosen), in: exchange.bytes(of: upgrade)) else {
            throw .switchToOtherProtocol
        }
        _ = appendFields()
        fields.append("Connection: upgrade\r\nUpgrade: ")
        fields.append(bytes(of: chosen))
        fields.append("\r\n")
        guard let server = unsafe server else { preconditionFailure("a request begins with its server") }
        consume(head.length)
        let tunnel = Tunnel(
            to: connection, idleTimeout: settings.tunnelTimeout, finishTimeout: settings.readTimeout,
            counters: server.state.tunnels, ahead: unread.count)
        exchange.switchProtocols(fields: fields.unsent, to: tunnel)
        // Bytes that either side has sent in advance come before everything else.
        exchange.appendAfterSwitch(unread)
        tunnel.sendFirst(exchange.takeUnread())
    }

    /// Whether the protocol a server switches to is one of those the client asked for, ignoring case.
    private func isOffered(_ chosen: ByteView, in offer: ByteView) -> Bool {
        var isOffered = false
        offer.bytes.forEachElement(from: 0, to: offer.count) { start, end in
            guard end - start == chosen.count, end > start else { return }
            for index in 0..<chosen.count
            where lowercase(offer[start + index]) != lowercase(chosen[index]) { return }
            isOffered = true
        }
        return isOffered
    }
}
