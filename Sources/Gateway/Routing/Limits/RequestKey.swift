import HTTP
import Transport

/// What tells apart the requests counted together, as a number that clients cannot foresee.
struct RequestKey {
    private let source: Source

    private enum Source {
        case route, address
        case header([UInt8])
        case cookie([UInt8])
    }

    init(_ key: LimitKey) {
        source =
            switch key {
            case .route: .route
            case .address: .address
            case .header(let name): .header(Array(name.utf8))
            case .cookie(let name): .cookie(Array(name.utf8))
            }
    }

    /// The request's key. The hash is seeded by the process, so keys that share a number cannot be made on purpose.
    func value(of exchange: Exchange) -> UInt64 {
        var hasher = Hasher()
        switch source {
        case .route: break
        case .address: Self.combine(exchange.endpoint.remoteAddress, into: &hasher)
        case .header(let name):
            if let value = unsafe exchange.value(ofField: name) {
                unsafe hasher.combine(bytes: value)
            } else {
                Self.combine(exchange.endpoint.remoteAddress, into: &hasher)
            }
        case .cookie(let name):
            if let value = unsafe exchange.value(ofCookie: name) {
                unsafe hasher.combine(bytes: value)
            } else {
                Self.combine(exchange.endpoint.remoteAddress, into: &hasher)
            }
        }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    private static func combine(_ client: SocketAddress, into hasher: inout Hasher) {
        guard let address = client.ip else { return }
        hasher.combine(address.isIPv4 ? address : address.masked(to: 64))
    }
}
