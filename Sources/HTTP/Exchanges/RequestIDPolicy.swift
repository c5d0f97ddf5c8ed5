import CLinux
import Transport

/// How requests are identified.
package struct RequestIDPolicy: Sendable {
    /// The field that contains the identifier, from clients and to servers, in lower case.
    package let field: [UInt8]
    /// The field's name as folded by `VariableName`.
    let variable: [UInt8]
    /// The start of its line, with the colon and a space.
    package let linePrefix: [UInt8]
    /// The clients whose identifiers are accepted.
    let accepted: AcceptedClients

    package init(field: String = "X-Request-ID", accepted: AcceptedClients = .nobody) {
        self.field = Array(field.lowercased().utf8)
        variable = VariableName.folded(self.field)
        linePrefix = Array("\(field): ".utf8)
        self.accepted = accepted
    }
}

/// Generates unpredictable identifiers without a system call for each.
struct RequestIDGenerator {
    private var words = [UInt64](repeating: 0, count: 32)
    /// The index of the next unused word.
    private var next = 32

    mutating func makeID() -> RequestID {
        let words = makeWords()
        return .made(high: words.high, low: words.low)
    }

    mutating func makeWords() -> (high: UInt64, low: UInt64) {
        if next == words.count { refill() }
        defer { next += 2 }
        return (words[next], words[next + 1])
    }

    /// getrandom(2) returns this few bytes immediately and completely.
    private mutating func refill() {
        let count = words.count * 8
        let taken = unsafe words.withUnsafeMutableBytes { unsafe CLinux_getrandom($0.baseAddress, UInt(count)) }
        precondition(taken == count, "the system has no randomness")
        next = 0
    }
}

extension Exchange {
    /// The request's identifier; every call returns the same.
    package var requestID: RequestID {
        if let known = storage.value.requestID { return known }
        let id = withConnection { connection in
            givenRequestID(connection.service.requestIDs) ?? connection.service.requestIDGenerator.makeID()
        }
        storage.value.requestID = id
        return id
    }

    /// The identifier that the client sent, if it is accepted and well-formed.
    private func givenRequestID(_ policy: RequestIDPolicy) -> RequestID? {
        guard policy.accepted.contain(endpoint.remoteAddress.ip) else { return nil }
        return value(ofField: policy.field).flatMap { RequestID($0.bytes) }
    }

    /// Appends the field line with the request's identifier for upstream servers.
    package func appendRequestID(to output: inout OutputBuffer) {
        withConnection { connection in
            connection.service.requestIDs.linePrefix.withBytes { output.append($0) }
        }
        requestID.append(to: &output)
        output.append("\r\n")
    }

    /// Whether a field of this name is the identifier's field, also by the name mapping of CGI.
    package func isRequestIDField(_ name: Slice) -> Bool {
        withConnection { VariableName.isSame(bytes(of: name).bytes, as: $0.service.requestIDs.variable) }
    }

    /// How requests of this connection are identified.
    package var requestIDs: RequestIDPolicy { connection.service.requestIDs }
}
