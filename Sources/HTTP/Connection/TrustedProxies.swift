import Memory
import Transport

/// Proxies in front of a listener that are trusted to name the clients of their requests.
package struct TrustedProxies: Equatable, Sendable {
    package let networks: [IPNetwork]
    /// The field that the proxies write. A proxy that knows only this field forwards the other one unchanged from the
    /// client, so the other one is never trusted.
    package let field: Field

    package enum Field: Sendable {
        /// Addresses, the client's first: the convention of proxies before the standard.
        case xForwardedFor
        /// RFC 7239.
        case forwarded

        var name: StaticString {
            switch self {
            case .xForwardedFor: "x-forwarded-for"
            case .forwarded: "forwarded"
            }
        }
    }

    package init(networks: [IPNetwork], field: Field) {
        self.networks = networks
        self.field = field
    }

    /// Processes one more value of the field, after those that determined `client`.
    ///
    /// Each proxy appends the address of its client, so the last address that does not belong to a proxy is the
    /// client's, and anything before it may be forged by that client. An element without an address, such as `unknown`,
    /// hides everything before it. An unmatched quote could hide what follows it, and is rejected.
    func client(
        in value: ByteView, behind client: IPAddress?
    ) throws(RequestRejection) -> IPAddress? {
        var client = client
        var elements = ListElements(value, separator: UInt8(ascii: ","), hasQuotes: field == .forwarded)
        while let element = elements.next() {
            if elements.isCutOff { throw .invalidForwarded }
            guard let address = address(in: element) else {
                client = nil
                continue
            }
            client = networks.contain(address) ? client ?? address : address
        }
        return client
    }

    private func address(in element: ByteView) -> IPAddress? {
        switch field {
        case .xForwardedFor: return Self.address(of: element, allowsBareIPv6: true)
        case .forwarded:
            guard let node = Self.forNode(of: element) else { return nil }
            return Self.address(of: node, allowsBareIPv6: false)
        }
    }

    /// The value of `for` in an element of Forwarded (RFC 7239 §4), without its quotes.
    private static func forNode(of element: ByteView) -> ByteView? {
        var pairs = ListElements(element, separator: UInt8(ascii: ";"), hasQuotes: true)
        while let pair = pairs.next() {
            guard pair.bytes.hasPrefix("for=", from: 0, to: pair.count) else { continue }
            let value = pair[4...]
            guard value.first == UInt8(ascii: "\"") else { return value }
            guard value.count > 2, value.last == UInt8(ascii: "\"") else { return nil }
            return value[1..<value.count - 1]
        }
        return nil
    }

    /// An address with or without a port; an IPv6 address with a port is in brackets (RFC 7239 §6).
    private static func address(of node: ByteView, allowsBareIPv6: Bool) -> IPAddress? {
        if node.first == UInt8(ascii: "[") {
            guard let bracket = node.firstIndex(of: UInt8(ascii: "]")),
                isPort(node[(bracket + 1)...]),
                let address = IPAddress(node[1..<bracket]), !address.isIPv4
            else { return nil }
            return address
        }
        guard let colon = node.firstIndex(of: UInt8(ascii: ":")) else { return IPAddress(node) }
        if node[(colon + 1)...].contains(UInt8(ascii: ":")) {
            return allowsBareIPv6 ? IPAddress(node) : nil
        }
        guard isPort(node[colon...]) else { return nil }
        return IPAddress(node[..<colon])
    }

    /// Empty, or a colon and digits; the value of the number is irrelevant.
    private static func isPort(_ text: ByteView) -> Bool {
        if text.isEmpty { return true }
        guard (2...6).contains(text.count), text[0] == UInt8(ascii: ":") else { return false }
        return text.dropFirst().allSatisfy { $0 &- 0x30 < 10 }
    }
}

/// The elements of a list without surrounding white space; empty ones are skipped (RFC 9110 §5.6.1).
@safe
private struct ListElements {
    private let text: ByteView
    private let separator: UInt8
    /// Whether separators inside quotes are ignored.
    private let hasQuotes: Bool
    private var position = 0
    /// Whether the text ended inside quotes.
    private(set) var isCutOff = false

    init(_ text: ByteView, separator: UInt8, hasQuotes: Bool) {
        self.text = text
        self.separator = separator
        self.hasQuotes = hasQuotes
    }

    mutating func next() -> ByteView? {
        while position < text.count {
            let start = position
            var isQuoted = false
            while position < text.count {
                let byte = text[position]
                if isQuoted && byte == UInt8(ascii: "\\") {
                    position += 1
                } else if hasQuotes && byte == UInt8(ascii: "\"") {
                    isQuoted.toggle()
                } else if byte == separator && !isQuoted {
                    break
                }
                position += 1
            }
            isCutOff = isQuoted
            let element = trimmed(start, min(position, text.count))
            position += 1
            if !element.isEmpty { return element }
        }
        return nil
    }

    private func trimmed(_ start: Int, _ end: Int) -> ByteView {
        var start = start
        var end = end
        while start < end, isBlank(text[start]) { start += 1 }
        while end > start, isBlank(text[end - 1]) { end -= 1 }
        return text[start..<end]
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
