import CLinux
import Transport

/// How requests get their names.
package struct RequestIDPolicy: Sendable {
    /// Whose names for their requests are taken over.
    package enum Acceptance: Sendable, Equatable {
        case nobody, everybody
        case networks([IPNetwork])
    }

    /// The field that carries the name, from clients and to servers, in lower case.
    package let field: [UInt8]
    /// The field's name as `VariableName` folds it.
    let variable: [UInt8]
    /// The beginning of its line, with the colon and a space.
    package let linePrefix: [UInt8]
    let acceptance: Acceptance

    package init(field: String = "X-Request-ID", acceptance: Acceptance = .nobody) {
        self.field = Array(field.lowercased().utf8)
        variable = VariableName.folded(self.field)
        linePrefix = Array("\(field): ".utf8)
        self.acceptance = acceptance
    }

    fileprivate func accepts(_ address: @autoclosure () -> IPAddress?) -> Bool {
        switch acceptance {
        case .nobody: false
        case .everybody: true
        case .networks(let networks): address().map(networks.contain) ?? false
        }
    }
}

/// Makes names that nobody can guess, without asking the system for each.
struct RequestIDGenerator {
    private var words = [UInt64](repeating: 0, count: 32)
    /// The next word not used yet.
    private var next = 32

    mutating func makeID() -> RequestID {
        if next == words.count { refill() }
        defer { next += 2 }
        return .made(high: words[next], low: words[next + 1])
    }

    /// So few bytes come at once and in full (getrandom(2)).
    private mutating func refill() {
        let count = words.count * 8
        let taken = unsafe words.withUnsafeMutableBytes { unsafe CLinux_getrandom($0.baseAddress, UInt(count)) }
        precondition(taken == count, "the system has no randomness")
        next = 0
    }
}

extension Exchange {
    /// The request's name, the same however often it is asked for.
    package var requestID: RequestID {
        if let known = unsafe storage.pointee.requestID { return known }
        let id = withConnection { connection in
            givenRequestID(connection.service.requestIDs) ?? connection.service.requestIDGenerator.makeID()
        }
        unsafe storage.pointee.requestID = id
        return id
    }

    /// The name the client gave, where it is believed and well-formed.
    private func givenRequestID(_ policy: RequestIDPolicy) -> RequestID? {
        guard policy.accepts(endpoint.remoteAddress.ip) else { return nil }
        return unsafe value(ofField: policy.field).flatMap { unsafe RequestID($0.bytes) }
    }

    /// Appends the field line by which servers learn the request's name.
    package func appendRequestID(to output: inout OutputBuffer) {
        withConnection { connection in
            unsafe connection.service.requestIDs.linePrefix.withUnsafeBytes { unsafe output.append($0) }
        }
        requestID.append(to: &output)
        output.append("\r\n")
    }

    /// Whether a field of this name tells the request's name, also by CGI's rules.
    package func isRequestIDField(_ name: Slice) -> Bool {
        withConnection { unsafe VariableName.isSame(bytes(of: name).bytes, as: $0.service.requestIDs.variable) }
    }

    /// How requests get their names here.
    package var requestIDs: RequestIDPolicy { connection.service.requestIDs }
}
