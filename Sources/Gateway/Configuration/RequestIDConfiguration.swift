import Transport

/// How requests get the ids that logs, extensions and servers see.
package struct RequestIDConfiguration: Sendable, Equatable {
    /// The field that contains the id, from clients and to servers.
    package var header = "X-Request-ID"
    package var acceptance = Acceptance.nobody

    /// Which clients' ids are accepted.
    package enum Acceptance: Sendable, Equatable {
        case nobody, everybody
        case networks([IPNetwork])
    }
}

extension ValueDecoder<RequestIDConfiguration> {
    static var requestID: Self {
        .mapping { keys in
            let defaults = RequestIDConfiguration()
            return RequestIDConfiguration(
                header: keys.take("header", .editableHeader, default: defaults.header),
                acceptance: keys.take("accept", .acceptance, default: defaults.acceptance))
        }
    }
}

extension ValueDecoder<RequestIDConfiguration.Acceptance> {
    fileprivate static var acceptance: Self {
        let networks = ValueDecoder<[IPNetwork]>.list("networks", of: .network)
        let words = ValueDecoder<Bool>.text("true, false or a list of networks") { ["true": true, "false": false][$0] }
        return Self { node, context in
            let isNetwork = node.scalar.map { IPNetwork($0.string) != nil } ?? false
            if case .sequence = node { return networks.decode(node, context).map { .networks($0) } }
            if isNetwork { return networks.decode(node, context).map { .networks($0) } }
            return words.decode(node, context).map { $0 ? .everybody : .nobody }
        }
    }
}
