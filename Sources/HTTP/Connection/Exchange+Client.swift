import Transport

// Who asks: the other end of the connection, or whoever a trusted proxy there asks for.
extension Exchange {
    /// Where the request comes from; without a port where a proxy tells.
    package var clientAddress: SocketAddress {
        namedClient.map { SocketAddress($0, port: 0) } ?? endpoint.remoteAddress
    }

    /// Whether `clientAddress` is one of IPv6.
    package var isClientIPv6: Bool {
        namedClient.map { !$0.isIPv4 } ?? withConnection { $0.endpoint.remoteAddress.isIPv6 }
    }

    /// As `clientAddress`; nil for a client without an IP address.
    package var clientIP: IPAddress? { namedClient ?? endpoint.remoteAddress.ip }

    /// The client that a trusted proxy names; nil for a request that comes from the other end itself.
    package var namedClient: IPAddress? { unsafe storage.pointee.namedClient }

    /// The field that a trusted proxy at the other end tells it by; nil when nobody there is trusted.
    package var trustedField: TrustedProxies.Field? { unsafe storage.pointee.trustedField }

    /// Learns who asks from the request's fields, if the connection is one of `proxies`.
    func learnClient(from proxies: TrustedProxies) throws(RequestRejection) {
        guard let peer = endpoint.remoteAddress.ip, proxies.networks.contain(peer) else { return }
        var client: IPAddress?
        for index in 0..<head.fieldCount {
            let field = unsafe fields[index]
            let name = field.name.range
            if unsafe headBytes.bytes.equals(proxies.field.name, from: name.lowerBound, to: name.upperBound) {
                client = try unsafe proxies.client(in: bytes(of: field.value), behind: client)
            }
        }
        unsafe storage.pointee.namedClient = client
        unsafe storage.pointee.trustedField = proxies.field
    }
}
