import Transport

/// How requests get the ids that logs, extensions and servers see.
package struct RequestIDConfiguration: Sendable, Equatable {
    /// The field that contains the id, from clients and to servers.
    package var header = "X-Request-ID"
    /// The clients whose ids are accepted.
    package var accepted = AcceptedClients.nobody
}

/// How requests take part in traces of several programs (W3C Trace Context).
package struct TraceContextConfiguration: Sendable, Equatable {
    /// The clients whose traces are continued.
    package var accepted = AcceptedClients.nobody
    /// One of this many traces that begin here is sampled.
    package var sample = 1
}

extension ValueDecoder<RequestIDConfiguration> {
    static var requestID: Self {
        .mapping { keys in
            let defaults = RequestIDConfiguration()
            return RequestIDConfiguration(
                header: keys.take("header", .editableHeader, default: defaults.header),
                accepted: keys.take("accept", .acceptedClients, default: defaults.accepted))
        }
    }
}

extension ValueDecoder<TraceContextConfiguration?> {
    /// `true` and `false`, or a section.
    static var traceContext: Self {
        let section = ValueDecoder<TraceContextConfiguration>.mapping { keys in
            TraceContextConfiguration(
                accepted: keys.take("accept", .acceptedClients, default: .nobody),
                sample: keys.take("sample", .sample, default: 1))
        }
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context).map { .some($0) } }
            let word = ValueDecoder<Bool>.text("true, false or a section") { ["true": true, "false": false][$0] }
            return word.decode(node, context).map { $0 ? TraceContextConfiguration() : nil }
        }
    }
}

extension ValueDecoder<AcceptedClients> {
    static var acceptedClients: Self {
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
