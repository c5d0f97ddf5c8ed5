extension LimitsConfiguration {
    /// The keys for the limits of each client.
    mutating func takeClientLimits(from keys: inout MappingReader) {
        let defaults = Self()
        clientConnections = keys.take(
            "client_connections", .orOff(.integer(in: 1...1_000_000)), default: defaults.clientConnections)
        takeHandshakes(from: &keys)
        minRequestRate = keys.take("min_request_rate", .rate, default: defaults.minRequestRate)
        minResponseRate = keys.take("min_response_rate", .rate, default: defaults.minResponseRate)
        rateGrace = keys.take("rate_grace", .time(in: .zero ... .seconds(3600)), default: defaults.rateGrace)
        responseTimeout = keys.take(
            "response_timeout", .orOff(.time(in: .seconds(1) ... .seconds(30 * 86_400))),
            default: defaults.responseTimeout)
    }

    private mutating func takeHandshakes(from keys: inout MappingReader) {
        guard let usual = Self().clientHandshakes else { preconditionFailure("there is a limit by default") }
        let frequency = keys.take(
            "client_handshakes", .orOff(.frequency), default: (usual.requests, usual.period))
        // If the rate is configured, the default burst is that of one period, which is the least surprising value.
        let burst = keys.take("client_handshake_burst", .integer(in: 1...1_000_000))
        let remembered = keys.take("client_table", .integer(in: 64...10_000_000), default: usual.keys)
        guard let frequency else {
            for key in ["client_handshake_burst", "client_table"] where keys.names.contains(key) {
                keys.context.report(
                    "\(key) has no meaning when client_handshakes is off",
                    at: keys.position(of: key) ?? keys.position)
            }
            clientHandshakes = nil
            return
        }
        let usualBurst = keys.names.contains("client_handshakes") ? frequency.0 : usual.burst
        clientHandshakes = RouteLimits.RateLimit(
            requests: frequency.0, period: frequency.1, burst: burst ?? usualBurst, key: .address, keys: remembered)
    }
}

extension ValueDecoder<Int> {
    /// Bytes per second, 0 for `off`.
    fileprivate static var rate: Self {
        let bytes = ValueDecoder<Int>.size(in: 1...1 << 30)
        return Self { node, context in node.scalar?.string == "off" ? 0 : bytes.decode(node, context) }
    }
}

extension ValueDecoder {
    /// A value, or nil for `off`.
    static func orOff<Wrapped>(_ decoder: ValueDecoder<Wrapped>) -> Self where Value == Wrapped? {
        Self { node, context in
            if node.scalar?.string == "off" { return .some(nil) }
            return decoder.decode(node, context).map { .some($0) }
        }
    }
}
