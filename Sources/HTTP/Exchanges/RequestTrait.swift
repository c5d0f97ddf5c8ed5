import Memory
import Transport

/// A property that related requests have in common.
package struct RequestTrait: Sendable, Equatable {
    private let source: Source

    private enum Source: Equatable {
        case nothing, address
        /// Names are in lower case.
        case header([UInt8])
        case cookie([UInt8])
    }

    /// All requests are related.
    package static let none = RequestTrait(source: .nothing)
    /// The client's IPv4 address, or the first 64 bits of its IPv6 address, because a client may vary the rest.
    package static let address = RequestTrait(source: .address)

    /// The value of a header field, or the address if there is none.
    package static func header(_ name: String) -> RequestTrait {
        RequestTrait(source: .header(Array(name.lowercased().utf8)))
    }

    /// The value of a cookie, or the address if there is none.
    package static func cookie(_ name: String) -> RequestTrait {
        RequestTrait(source: .cookie(Array(name.utf8)))
    }

    /// Calls `body` with the bytes that represent the trait.
    ///
    /// It returns nothing, because a generic result would be looked up at run time for each request.
    package func withBytes(of exchange: Exchange, _ body: (ByteView) -> Void) {
        let value: ByteView?
        switch source {
        case .nothing: return body(ByteView())
        case .address: value = nil
        case .header(let name): value = exchange.value(ofField: name)
        case .cookie(let name): value = exchange.value(ofCookie: name)
        }
        if let value = value { return body(value) }
        guard let address = exchange.clientIP else {
            return body(ByteView())
        }
        let bits = address.isIPv4 ? address.bits : address.masked(to: 64).bits
        return withTemporaryBytes(16) { room in
            room.store(bits)
            return body(room.view)
        }
    }
}
