import Transport

/// Conditions on a request, besides its path, for a route to answer it; all of them must be met.
package struct RouteConditions: Sendable, Hashable {
    /// A regular expression for the whole normalized path; nil for any path.
    package var expression: String?
    /// Nil for any method; GET includes HEAD, which requests the same without the content (RFC 9110 §9.3.2).
    package var methods: Set<String>?
    package var headers: [Requirement] = []
    package var query: [Requirement] = []
    /// The networks of the client's address; nil for any.
    package var networks: [IPNetwork]?

    /// A condition on a header field or on a parameter of the query.
    package struct Requirement: Sendable, Hashable {
        /// A field's name in lower case; a parameter's after decoding.
        package var name: String
        package var test: Test

        package enum Test: Sendable, Hashable {
            case present, absent
            /// One line, or one parameter, of that name has this value.
            case equals(String)
        }
    }

    package static let none = RouteConditions()

    /// Whether every request that meets the other conditions meets these too.
    func cover(_ other: RouteConditions) -> Bool {
        if let expression, expression != other.expression { return false }
        if let methods {
            guard let others = other.methods, others.isSubset(of: methods) else { return false }
        }
        if let networks {
            guard let others = other.networks else { return false }
            guard others.allSatisfy({ inner in networks.contains { $0.contains(inner) } }) else { return false }
        }
        return headers.allSatisfy { own in other.headers.contains { own.isMet(with: $0) } }
            && query.allSatisfy { own in other.query.contains { own.isMet(with: $0) } }
    }
}

extension RouteConditions.Requirement {
    /// Whether every request that meets the other requirement meets this one.
    fileprivate func isMet(with other: Self) -> Bool {
        guard name == other.name else { return false }
        return test == other.test || test == .present && other.test != .absent
    }
}
