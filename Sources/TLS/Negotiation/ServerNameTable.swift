/// Maps server names to values: exact names first, then wildcards of one label.
struct ServerNameTable<Value> {
    private var exact: [String: Value] = [:]
    private var wildcard: [Substring: Value] = [:]

    /// False, without any change, when the pattern is in the table already or is `any`.
    @discardableResult
    mutating func insert(_ value: Value, for pattern: ServerNamePattern) -> Bool {
        switch pattern {
        case .any: return false
        case .exact(let name):
            guard exact[name] == nil else { return false }
            exact[name] = value
        case .wildcard(let domain):
            guard wildcard[domain[...]] == nil else { return false }
            wildcard[domain[...]] = value
        }
        return true
    }

    /// - Parameter name: in lower case.
    subscript(name: String) -> Value? {
        exact[name] ?? parentDomain(of: name).flatMap { wildcard[$0] }
    }

    /// Every pattern, in no order.
    var patterns: [(pattern: ServerNamePattern, value: Value)] {
        exact.map { (.exact($0), $1) } + wildcard.map { (.wildcard(String($0)), $1) }
    }
}

extension ServerNameTable: Sendable where Value: Sendable {}
