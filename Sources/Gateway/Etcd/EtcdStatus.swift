/// What is known about the servers of an upstream that come from etcd, for reports.
package struct EtcdStatus: Codable, Equatable, Sendable {
    package var upstream: String
    package var prefix: String
    /// The member that is watched; nil while none is.
    package var endpoint: String?
    /// Everything up to it is known; nil before the first answer.
    package var revision: Int64?
    /// Keys below the prefix.
    package var keys: Int
    /// Servers that are used because of them.
    package var servers: Int
    /// When a member answered last, in seconds since 1970.
    package var answeredAt: Int64?
    /// Attempts that have failed since the start.
    package var failures: Int
    /// Why no member can be asked; nil while one can.
    package var problem: String?
    /// Keys whose values are none of a server, at most `refusalLimit` of them, and how many there are.
    package var refused: [Refusal]
    package var refusedCount: Int

    package struct Refusal: Codable, Equatable, Sendable {
        package var key: String
        package var reason: String
    }

    static let refusalLimit = 8

    /// Whether there was an answer without a key.
    var isEmpty: Bool { revision != nil && keys == 0 }
}

extension Condition {
    static func ofEtcd(_ sources: [EtcdStatus]) -> [Condition] {
        sources.flatMap { one in
            var conditions: [Condition] = []
            if let problem = one.problem {
                conditions.append(
                    Condition(
                        .etcdFailing, name: one.upstream,
                        "the servers of upstream \(one.upstream) cannot be learned from etcd: \(problem)"))
            }
            if one.isEmpty {
                conditions.append(
                    Condition(
                        .etcdEmpty, name: one.upstream,
                        "etcd has no server for upstream \(one.upstream): no key begins with \(one.prefix)"))
            }
            if let first = one.refused.first {
                let others = one.refusedCount - 1
                conditions.append(
                    Condition(
                        .etcdValueRefused, name: "\(one.upstream) \(first.key)",
                        "key \(first.key) of upstream \(one.upstream) cannot be used: \(first.reason)"
                            + (others > 0 ? " (and \(others) more)" : "")))
            }
            return conditions
        }
    }
}
