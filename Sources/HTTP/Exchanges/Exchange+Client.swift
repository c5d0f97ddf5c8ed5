import Transport

// The client of a request: the peer of the connection, or the client that a trusted proxy names.
extension Exchange {
    /// The address of the client; without a port if a proxy named it.
    package var clientAddress: SocketAddress {
        namedClient.map { SocketAddress($0, port: 0) } ?? endpoint.remoteAddress
    }

    /// Whether `clientAddress` is an IPv6 address.
    package var isClientIPv6: Bool {
        namedClient.map { !$0.isIPv4 } ?? withConnection { $0.endpoint.remoteAddress.isIPv6 }
    }

    /// The IP address of `clientAddress`; nil for a client without one.
    package var clientIP: IPAddress? { namedClient ?? endpoint.remoteAddress.ip }

    /// The client that a trusted proxy names; nil for a request from the peer itself.
    package var namedClient: IPAddress? { storage.value.namedClient }

    /// The field in which a trusted proxy names the client; nil if the peer is not trusted.
    package var trustedField: TrustedProxies.Field? { storage.value.trustedField }

    /// Determines the client from the request's fields, if the peer is one of `proxies`.
    func learnClient(from proxies: TrustedProxies) throws(RequestRejection) {
        guard let peer = endpoint.remoteAddress.ip, proxies.networks.contain(peer) else { return }
        var client: IPAddress?
        for index in 0..<head.fieldCount {
            let field = fields[index]
            let name = field.name.range
            if headBytes.bytes.equals(proxies.field.name, from: name.lowerBound, to: name.upperBound) {
                client = try proxies.client(in: bytes(of: field.value), behind: client)
            }
        }
        storage.value.namedClient = client
        storage.value.trustedField = proxies.field
    }
}
