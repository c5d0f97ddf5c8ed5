import HTTP
import Memory

/// The path that is requested from a server: the routed one, with the route's prefixes replaced, or the result of the
/// route's template.
///
/// The client's spelling is kept where possible, since "%2F" and "/" are different for many servers. A path with dot
/// segments or empty ones is sent in its normal form instead, so that no server resolves it to a path other than the
/// routed one.
enum ForwardedTarget {
    /// Returns false when the route's template yields no path, or one that a server might interpret as another.
    static func append(_ exchange: Exchange, _ route: ProxyRoute, to output: inout OutputBuffer) -> Bool {
        if let rewriting = route.rewriting {
            let start = output.count
            guard exchange.withPath({ path in rewriting.append(path, to: &output) }) else { return false }
            let made = output.unsent[start...]
            // Concatenated pieces may form dot segments that no part of the request had.
            guard !hasDotSegments(made) else { return false }
        } else {
            route.innerPrefix.withBytes { output.append($0) }
            appendRest(exchange, without: route.prefix, to: &output)
        }
        let head = exchange.head
        guard head.hasQuery else { return true }
        output.append("?")
        output.append(exchange.bytes(of: head.query))
        return true
    }

    private static func appendRest(_ exchange: Exchange, without prefix: [UInt8], to output: inout OutputBuffer) {
        let head = exchange.head
        let sent = exchange.bytes(of: head.path)
        let isUnambiguous = exchange.isPathAsSent || !hasDotSegments(sent, orEmpty: true)
        if isUnambiguous, let rest = remainder(of: sent, behind: prefix) {
            if rest.first != UInt8(ascii: "/") { output.append("/") }
            output.append(rest)
        } else {
            exchange.withPath { path in
                let rest = remainder(of: path, behind: prefix) ?? path
                if rest.first != UInt8(ascii: "/") { output.append("/") }
                output.appendPath(rest)
            }
        }
    }

    /// The part after the prefix; nil when the path does not begin with it as a whole segment.
    static func remainder(of path: ByteView, behind prefix: [UInt8]) -> ByteView? {
        if prefix.isEmpty { return path }
        guard path.count >= prefix.count else { return nil }
        for index in prefix.indices where path[index] != prefix[index] { return nil }
        let rest = path[prefix.count...]
        return rest.isEmpty || rest[0] == UInt8(ascii: "/") ? rest : nil
    }

    /// Whether a segment is "." or "..", also if its dots or the slashes around it are percent-encoded.
    ///
    /// - Parameter orEmpty: whether an empty segment counts too, except after the last slash.
    static func hasDotSegments(_ path: ByteView, orEmpty: Bool = false) -> Bool {
        var dots = 0
        var others = 0
        var index = min(path.count, 1)
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < path.count {
                byte = decoded(path[index], path[index + 1]) ?? byte
                index += 2
            }
            switch byte {
            case UInt8(ascii: "/"):
                if others == 0, dots == 1 || dots == 2 || dots == 0 && orEmpty { return true }
                dots = 0
                others = 0
            case UInt8(ascii: "."): dots += 1
            default: others += 1
            }
        }
        return others == 0 && (dots == 1 || dots == 2)
    }

    private static func decoded(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = hexValue(high), let low = hexValue(low) else { return nil }
        return high << 4 | low
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

extension OutputBuffer {
    /// Percent-encodes characters that are not allowed in a path (RFC 3986 §3.3), the percent sign included.
    package mutating func appendPath(_ path: ByteView) {
        for index in 0..<path.count {
            let byte = path[index]
            if Self.isPathByte(byte) {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(Self.hexDigit(byte >> 4))
                append(Self.hexDigit(byte & 15))
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"):
            true
        default: false
        }
    }
}
