import HTTP
import Redis
import Transport

/// The names under which an engine's counts are stored. They begin with `isagate:{NAME}:`, so that a server may be
/// used by others too.
struct SharedKeys: Sendable {
    private let prefix: String

    init(engine name: String) {
        prefix = "isagate:{\(name)}:"
    }

    var instances: String { prefix + "instances" }

    /// What precedes the hash of the key value. All instances compute the same from the same route; the numbers of its
    /// limits have no part, so that a fleet may be given other ones while it serves.
    func prefix(_ kind: Kind, of route: RequestLimiter.Identity, by key: LimitKey) -> String {
        let text =
            "\(route.hosts.map(\.description).joined(separator: " "))\n\(route.path)\n"
            + "\(route.conditions.sharedText)\n\(key.sharedText)"
        var digits: [UInt8] = []
        let hash = Array(text.utf8).withBytes { SharedKeys.hash.value(of: $0) }
        SipHash.Value.append(hash.low, to: &digits)
        return prefix + kind.rawValue + ":" + String(decoding: digits, as: UTF8.self) + ":"
    }

    enum Kind: String {
        case rate, concurrency
    }

    /// Its key is known, but not chosen by clients: two values that have the same 128 bits cannot be found.
    static let hash = SipHash(key: 0x6973_6167_6174_652D, 0x6C69_6D69_7473_2D31)
}

extension RouteConditions {
    /// The same for equal conditions, in every process.
    fileprivate var sharedText: String {
        var parts = [expression ?? ""]
        parts.append((methods ?? []).sorted().joined(separator: " "))
        parts += headers.map { "header \($0.sharedText)" } + query.map { "query \($0.sharedText)" }
        parts += (networks ?? []).map { "network \($0.description)" }
        return parts.joined(separator: "\n")
    }
}

extension RouteConditions.Requirement {
    fileprivate var sharedText: String {
        switch test {
        case .present: "\(name) present"
        case .absent: "\(name) absent"
        case .equals(let value): "\(name) equals \(value)"
        }
    }
}

extension LimitKey {
    fileprivate var sharedText: String {
        switch self {
        case .route: "route"
        case .address: "address"
        case .header(let name): "header \(name)"
        case .cookie(let name): "cookie \(name)"
        }
    }
}
