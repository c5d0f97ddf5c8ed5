import HTTP
import Memory
import Transport

/// Changes of field lines, prepared for writing.
struct HeaderRules {
    /// Names of fields that are removed from the handler's response, in lower case.
    private let removed: [[UInt8]]
    /// Lines that are added to every response.
    private let added: [UInt8]
    /// Lines that are added to responses without the field.
    private let defaults: [(name: [UInt8], line: [UInt8])]
    private let variable: [VariableField]
    /// The Strict-Transport-Security line, for responses over TLS (RFC 6797 §7.2).
    private let strictTransport: [UInt8]?

    /// Nil when nothing is to be changed.
    init?(_ rules: ResponseRules) {
        let edits = rules.headers
        let given = edits.set + edits.add
        variable = given.filter(\.isVariable).map(VariableField.init)
        added = given.filter { !$0.isVariable }.flatMap { Array("\($0.name): \($0.literal)\r\n".utf8) }
        var removed = edits.remove + edits.set.map(\.name)
        if case .on(let rule)? = rules.strictTransport {
            strictTransport = Array("Strict-Transport-Security: \(rule.value)\r\n".utf8)
            removed.append("strict-transport-security")
        } else {
            strictTransport = nil
        }
        self.removed = removed.map { Array($0.lowercased().utf8) }
        let known = Set(given.map { $0.name.lowercased() })
        let preset = rules.securityHeaders == .strict ? Self.strictHeaders : []
        defaults = preset.filter { !known.contains($0.name.lowercased()) }.map {
            (Array($0.name.lowercased().utf8), Array("\($0.name): \($0.value)\r\n".utf8))
        }
        if removed.isEmpty, given.isEmpty, preset.isEmpty { return nil }
    }

    /// Fields that allow only what pages of the site itself need, after OWASP's recommendations.
    private static let strictHeaders: [(name: String, value: String)] = [
        (
            "Content-Security-Policy",
            "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]

    var replacesServer: Bool { removed.contains { $0.elementsEqual("server".utf8) } }

    /// Whether fields of this name are removed from responses.
    func removes(_ name: ByteView) -> Bool {
        removed.contains { FieldSyntax.isNamed(name.bytes, $0) }
    }

    /// Writes `lines` to `edited` with every change that is the same for all requests.
    func apply(to lines: ByteView, into edited: inout [UInt8]) {
        edited.removeAll(keepingCapacity: true)
        var present: UInt64 = 0
        var fields = FieldLines(lines)
        while let field = fields.next() {
            if removed.contains(where: { field.isNamed($0) }) { continue }
            edited.append(contentsOf: field.line)
            for index in defaults.indices where field.isNamed(defaults[index].name) { present |= 1 << UInt64(index) }
        }
        edited.append(contentsOf: added)
        for index in defaults.indices where present >> UInt64(index) & 1 == 0 {
            edited.append(contentsOf: defaults[index].line)
        }
    }

    /// Writes the lines that differ from request to request.
    func appendVariableFields(for exchange: Exchange, to response: ResponseSink) {
        if let strictTransport, exchange.connection.stream.isSecure {
            strictTransport.withBytes { line in response.appendFields(line) }
        }
        for index in variable.indices { variable[index].append(for: exchange, to: response) }
    }
}

extension FieldLine {
    fileprivate func isNamed(_ name: [UInt8]) -> Bool {
        guard self.name.count == name.count else { return false }
        for index in name.indices {
            let byte = self.name[index]
            guard (byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte) == name[index] else { return false }
        }
        return true
    }
}

extension HeaderTemplate {
    fileprivate var isVariable: Bool {
        !parts.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    fileprivate var literal: String {
        parts.reduce(into: "") { if case .literal(let text) = $1 { $0 += text } }
    }
}

/// A field line that differs from request to request, in pieces that are ready to be written.
private struct VariableField {
    private enum Piece {
        case bytes([UInt8])
        case host, remote, requestID
    }

    private let pieces: [Piece]

    init(_ template: HeaderTemplate) {
        pieces =
            [.bytes(Array("\(template.name): ".utf8))]
            + template.parts.map { part in
                switch part {
                case .literal(let text): .bytes(Array(text.utf8))
                case .host: .host
                case .remote: .remote
                case .requestID: .requestID
                }
            } + [.bytes(Array("\r\n".utf8))]
    }

    /// Values from a request are a validated host, an address or a checked id, so they cannot end the line.
    func append(for exchange: Exchange, to response: ResponseSink) {
        for index in pieces.indices {
            switch pieces[index] {
            case .bytes(let bytes): bytes.withBytes { response.appendFields($0) }
            case .host: response.appendFields(exchange.bytes(of: exchange.head.authority))
            case .remote: response.appendHost(of: exchange.clientAddress)
            case .requestID: exchange.requestID.withBytes { response.appendFields($0) }
            }
        }
    }
}

extension StrictTransport {
    /// The value of the field.
    fileprivate var value: String {
        "max-age=\(maximumAge.components.seconds)" + (includesSubdomains ? "; includeSubDomains" : "")
            + (preloads ? "; preload" : "")
    }
}
