import HTTP

/// Max-Forwards, with which TRACE and OPTIONS limit how many gateways forward them (RFC 9110 §7.6.2).
struct MaxForwards {
    private let answer = FixedResponse(
        status: 200, fields: [("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
    private let refusal = FixedResponse(
        status: 405,
        fields: [
            ("Content-Type", "text/plain; charset=utf-8"), ("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ], body: Array("405 Method Not Allowed: this gateway does not repeat requests\n".utf8))

    static func concerns(_ method: Method) -> Bool { method == .options || method == .trace }

    /// Answers a request that must not be forwarded; returns whether it was one.
    @inline(never)
    func answersLast(_ exchange: Exchange) -> Bool {
        guard let value = exchange.value(named: "max-forwards"), Self.number(of: value, exchange) == 0 else {
            return false
        }
        if exchange.head.method == .options { exchange.respond(answer) } else { exchange.fail(refusal) }
        return true
    }

    /// Appends the decremented field for the next hop; a value that is not a number is left out.
    static func append(_ value: Slice, of exchange: Exchange, to output: inout OutputBuffer) {
        guard let number = number(of: value, exchange), number > 0 else { return }
        output.append("Max-Forwards: ")
        output.appendDecimal(number - 1)
        output.append("\r\n")
    }

    /// A number that is too large counts as the largest.
    private static func number(of value: Slice, _ exchange: Exchange) -> UInt64? {
        guard !value.isEmpty else { return nil }
        var number: UInt64 = 0
        let digits = exchange.bytes(of: value)
        for index in 0..<digits.count {
            let byte = digits[index]
            guard (0x30...0x39).contains(byte) else { return nil }
            number = min(number * 10 + UInt64(byte - 0x30), 1 << 32)
        }
        return number
    }
}
