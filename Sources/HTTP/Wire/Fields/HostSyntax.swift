/// The syntax of `host[:port]`, as in Host and in the authority of a target (RFC 9110 §7.2, RFC 3986 §3.2.2).
///
/// The grammar of a registered name also allows commas, semicolons and the like, and percent-encoded bytes. No Internet
/// host name contains them. A server that interpreted such a name as a list, a parameter or another name would use
/// another host than the one that was routed, so these bytes are rejected.
package enum HostSyntax {
    enum Port { case optional, required }

    /// Whether the bytes are a registered name, an IPv4 address or an IPv6 address in brackets, with or without a port.
    package static func isValid(_ bytes: RawSpan) -> Bool {
        isValid(bytes, from: 0, to: bytes.byteCount, port: .optional)
    }

    /// An empty host is not valid; user information is not part of the syntax.
    static func isValid(_ input: RawSpan, from start: Int, to end: Int, port: Port) -> Bool {
        guard start < end, let hostEnd = hostEnd(input, from: start, to: end), hostEnd > start else { return false }
        if hostEnd == end { return port == .optional }
        return input.byte(at: hostEnd) == ASCII.colon && isPort(input, from: hostEnd + 1, to: end, port)
    }

    private static func hostEnd(_ input: RawSpan, from start: Int, to end: Int) -> Int? {
        guard input.byte(at: start) == 0x5B else { return registeredNameEnd(input, from: start, to: end) }
        let bracket = input.first(0x5D, from: start, to: end)
        guard bracket < end, isIPv6(input, from: start + 1, to: bracket) else { return nil }
        return bracket + 1
    }

    /// A dotted IPv4 address also matches the syntax of a registered name, so this covers both.
    private static func registeredNameEnd(_ input: RawSpan, from start: Int, to end: Int) -> Int {
        var offset = input.first(from: start, to: end) { $0.outsidePlainHosts }
        while offset < end, ByteSet.unreserved.contains(input.byte(at: offset)) { offset += 1 }
        return offset
    }

    /// Digits up to 65535. An empty port means the scheme's default (RFC 3986 §3.2.3), unless a port is required: a
    /// CONNECT without a port must be rejected (RFC 9110 §9.3.6).
    private static func isPort(_ input: RawSpan, from start: Int, to end: Int, _ port: Port) -> Bool {
        guard start < end else { return port == .optional }
        var value = 0
        for offset in start..<end {
            guard isDigit(input.byte(at: offset)) else { return false }
            value = value * 10 + Int(input.byte(at: offset) - 0x30)
            guard value <= 65535 else { return false }
        }
        return true
    }

    /// IPv6address of RFC 3986 §3.2.2: eight groups of 16 bits, of which one run may be abbreviated to "::" and the
    /// last two may be written as an IPv4 address.
    private static func isIPv6(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        var groups = 0
        var shortened = false
        var separated = true
        var offset = start
        while offset < end {
            if end - offset >= 2, input.byte(at: offset) == ASCII.colon, input.byte(at: offset + 1) == ASCII.colon {
                guard !shortened else { return false }
                shortened = true
                separated = true
                offset += 2
                continue
            }
            if !separated {
                guard input.byte(at: offset) == ASCII.colon else { return false }
                offset += 1
            }
            let group = groupEnd(input, from: offset, to: end)
            if group < end, input.byte(at: group) == ASCII.dot {
                guard isIPv4(input, from: offset, to: end) else { return false }
                groups += 2
                break
            }
            guard group > offset else { return false }
            groups += 1
            separated = false
            offset = group
        }
        return shortened ? groups <= 7 : groups == 8
    }

    private static func groupEnd(_ input: RawSpan, from start: Int, to end: Int) -> Int {
        var offset = start
        while offset < end, offset - start < 4, hexValue(input.byte(at: offset)) != nil { offset += 1 }
        return offset
    }

    /// Four decimal numbers up to 255 without leading zeros.
    private static func isIPv4(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        var offset = start
        for part in 0..<4 {
            if part > 0 {
                guard offset < end, input.byte(at: offset) == ASCII.dot else { return false }
                offset += 1
            }
            let first = offset
            var value = 0
            while offset < end, offset - first < 3, isDigit(input.byte(at: offset)) {
                value = value * 10 + Int(input.byte(at: offset) - 0x30)
                offset += 1
            }
            guard offset > first, value <= 255, offset - first == 1 || input.byte(at: first) != 0x30 else {
                return false
            }
        }
        return offset == end
    }
}
