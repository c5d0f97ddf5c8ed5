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
        in value: UnsafeRawBufferPointer, behind client: IPAddress?
    ) throws(RequestRejection) -> IPAddress? {
        var client = client
        var elements = unsafe ListElements(value, separator: UInt8(ascii: ","), hasQuotes: field == .forwarded)
        while let element = unsafe elements.next() {
            if elements.isCutOff { throw .invalidForwarded }
            guard let address = unsafe address(in: element) else {
                client = nil
                continue
            }
            client = networks.contain(address) ? client ?? address : address
        }
        return client
    }

    private func address(in element: UnsafeRawBufferPointer) -> IPAddress? {
        switch field {
        case .xForwardedFor: return unsafe Self.address(of: element, allowsBareIPv6: true)
        case .forwarded:
            guard let node = unsafe Self.forNode(of: element) else { return nil }
            return unsafe Self.address(of: node, allowsBareIPv6: false)
        }
    }

    /// The value of `for` in an element of Forwarded (RFC 7239 §4), without its quotes.
    private static func forNode(of element: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var pairs = unsafe ListElements(element, separator: UInt8(ascii: ";"), hasQuotes: true)
        while let pair = unsafe pairs.next() {
            guard unsafe pair.bytes.hasPrefix("for=", from: 0, to: pair.count) else { continue }
            let value = unsafe UnsafeRawBufferPointer(rebasing: pair[4...])
            guard unsafe value.first == UInt8(ascii: "\"") else { return unsafe value }
            guard value.count > 2, unsafe value.last == UInt8(ascii: "\"") else { return nil }
            return unsafe UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])
        }
        return nil
    }

    /// An address with or without a port; an IPv6 address with a port is in brackets (RFC 7239 §6).
    private static func address(of node: UnsafeRawBufferPointer, allowsBareIPv6: Bool) -> IPAddress? {
        if unsafe node.first == UInt8(ascii: "[") {
            guard let bracket = unsafe node.firstIndex(of: UInt8(ascii: "]")),
                unsafe isPort(UnsafeRawBufferPointer(rebasing: node[(bracket + 1)...])),
                let address = unsafe IPAddress(UnsafeRawBufferPointer(rebasing: node[1..<bracket])), !address.isIPv4
            else { return nil }
            return address
        }
        guard let colon = unsafe node.firstIndex(of: UInt8(ascii: ":")) else { return unsafe IPAddress(node) }
        if unsafe node[(colon + 1)...].contains(UInt8(ascii: ":")) {
            return allowsBareIPv6 ? unsafe IPAddress(node) : nil
        }
        guard unsafe isPort(UnsafeRawBufferPointer(rebasing: node[colon...])) else { return nil }
        return unsafe IPAddress(UnsafeRawBufferPointer(rebasing: node[..<colon]))
    }

    /// Empty, or a colon and digits; the value of the number is irrelevant.
    private static func isPort(_ text: UnsafeRawBufferPointer) -> Bool {
        if unsafe text.isEmpty { return true }
        guard (2...6).contains(text.count), unsafe text[0] == UInt8(ascii: ":") else { return false }
        return unsafe text.dropFirst().allSatisfy { $0 &- 0x30 < 10 }
    }
}

/// The elements of a list without surrounding white space; empty ones are skipped (RFC 9110 §5.6.1).
@safe
private struct ListElements {
    private let text: UnsafeRawBufferPointer
    private let separator: UInt8
    /// Whether separators inside quotes are ignored.
    private let hasQuotes: Bool
    private var position = 0
    /// Whether the text ended inside quotes.
    private(set) var isCutOff = false

    init(_ text: UnsafeRawBufferPointer, separator: UInt8, hasQuotes: Bool) {
        unsafe self.text = text
        self.separator = separator
        self.hasQuotes = hasQuotes
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        while unsafe position < text.count {
            let start = position
            var isQuoted = false
            while unsafe position < text.count {
                let byte = unsafe text[position]
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
            let element = unsafe trimmed(start, min(position, text.count))
            position += 1
            if unsafe !element.isEmpty { return unsafe element }
        }
        return nil
    }

    private func trimmed(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        var start = start
        var end = end
        while start < end, unsafe isBlank(text[start]) { start += 1 }
        while end > start, unsafe isBlank(text[end - 1]) { end -= 1 }
        return unsafe UnsafeRawBufferPointer(rebasing: text[start..<end])
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
