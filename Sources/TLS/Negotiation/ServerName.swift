/// A name that a site answers to, or that a certificate contains.
///
/// Names are in lower case; an IPv6 address has no brackets.
package enum ServerNamePattern: Hashable, Sendable, CustomStringConvertible {
    /// Any name that no other site has.
    case any
    case exact(String)
    /// Any one label before this domain: `example.test` for `*.example.test` (RFC 9525 §6.3).
    case wildcard(String)

    package init(_ text: String) {
        let name = text.lowercased()
        if name == "*" {
            self = .any
        } else if name.hasPrefix("*.") {
            self = .wildcard(String(name.dropFirst(2)))
        } else if name.hasPrefix("["), name.hasSuffix("]") {
            self = .exact(String(name.dropFirst().dropLast()))
        } else {
            self = .exact(name)
        }
    }

    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let domain): "*." + domain
        }
    }

    /// Whether a certificate for this name is valid for every host of the other pattern.
    func covers(_ other: ServerNamePattern) -> Bool {
        if self == other { return true }
        guard case .wildcard(let domain) = self, case .exact(let name) = other else { return false }
        return parentDomain(of: name) == domain[...]
    }

    /// A name that the pattern matches, for trials; nil for any name.
    var example: String? {
        switch self {
        case .any: nil
        case .exact(let name): name
        case .wildcard(let domain): "any-label." + domain
        }
    }
}

/// The part after the first label; nil for a single label.
func parentDomain(of name: String) -> Substring? {
    name.firstIndex(of: ".").map { name[name.index(after: $0)...] }
}

/// The server name in a ClientHello (RFC 6066 §3).
enum RequestedServerName: Equatable {
    case absent
    /// In lower case, without the final dot that some clients send.
    case name(String)
    /// Not a list of names (RFC 6066 §3).
    case malformed
    /// A name with bytes that no host name has: control bytes, a space, non-ASCII bytes; or an empty name.
    case invalid

    /// - Parameter list: the content of the extension: a list of names after its length, each after its type and
    ///   length; only the type for DNS names is defined, and a type occurs once.
    init(_ list: Span<UInt8>) {
        self = .malformed
        guard list.count >= 5, Int(list[0]) << 8 | Int(list[1]) == list.count - 2, list[2] == 0 else { return }
        let length = Int(list[3]) << 8 | Int(list[4])
        guard length == list.count - 5, (1...255).contains(length) else { return }
        var name: [UInt8] = []
        name.reserveCapacity(length)
        for index in 5..<list.count {
            let byte = list[index]
            guard byte > 0x20, byte < 0x7F else {
                self = .invalid
                return
            }
            name.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
        }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        guard !name.isEmpty else {
            self = .invalid
            return
        }
        self = .name(String(decoding: name, as: UTF8.self))
    }
}
