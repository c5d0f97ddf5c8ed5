import Transport

extension ValueDecoder<RouteConditions> {
    /// `when`: conditions on a request besides its path.
    static var conditions: Self {
        .mapping { keys in
            var conditions = RouteConditions()
            if let methods = keys.take("methods", .list("methods", of: .method)) {
                conditions.methods = Set(methods).union(methods.contains("GET") ? ["HEAD"] : [])
            }
            conditions.headers = keys.take("headers", .requirements(.headerName), default: [])
            conditions.query = keys.take("query", .requirements(.parameterName), default: [])
            conditions.networks = keys.take("from", .list("networks", of: .network))
            if keys.names.isEmpty {
                keys.context.report("expected at least one of methods, headers, query and from", at: keys.position)
            }
            return conditions
        }
    }
}

extension ValueDecoder<IPNetwork> {
    static var network: Self {
        text("an address or a network such as 10.0.0.0/8, without bits set behind its length") { IPNetwork($0) }
    }
}

extension ValueDecoder<String> {
    /// A regular expression.
    static var pathExpression: Self {
        text("a regular expression") { text throws(Refusal) in
            guard !text.isEmpty, text.utf8.count <= PathExpression.maximumLength else {
                throw Refusal(message: "a regular expression has 1 to \(PathExpression.maximumLength) bytes")
            }
            do throws(PathExpressionError) {
                _ = try PathExpression(text)
                return text
            } catch {
                throw Refusal(message: "not a regular expression: \(error.reason), after \(error.offset) bytes")
            }
        }
    }

    /// A method, which is case-sensitive (RFC 9110 §9.1).
    fileprivate static var method: Self {
        text("a method such as GET") { text throws(Refusal) in
            guard !text.isEmpty, text.utf8.count <= 64, text.utf8.allSatisfy(isTokenByte) else { return nil }
            guard text == text.uppercased() else {
                throw Refusal(
                    message: "methods are case-sensitive, found \(quoted(text))", suggestion: text.uppercased())
            }
            return text
        }
    }
}

/// How the key of a requirement is parsed: its normal form, or the reason why it is invalid.
private struct RequirementName {
    let normalize: (String) throws(Refusal) -> String

    static var headerName: Self {
        Self { name throws(Refusal) in
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw Refusal(message: "\(quoted(name)) is not a header name")
            }
            return name.lowercased()
        }
    }

    static var parameterName: Self {
        Self { name throws(Refusal) in
            guard !name.isEmpty else { throw Refusal(message: "a parameter of the query has a name") }
            return name
        }
    }
}

extension ValueDecoder<[RouteConditions.Requirement]> {
    /// A mapping from names to the value each must have, or to `{ present: true }` or `{ present: false }`.
    fileprivate static func requirements(_ kind: RequirementName) -> Self {
        Self { node, context in
            guard let entries = MappingReader(node, context)?.entries else { return nil }
            var seen = Set<String>()
            return entries.compactMap { name, key, node in
                do throws(Refusal) {
                    let name = try kind.normalize(name)
                    if !seen.insert(name).inserted { context.report("\(quoted(name)) is given twice", at: key) }
                    return context.decode(node, as: .requirementTest, key: name).map { .init(name: name, test: $0) }
                } catch {
                    context.report(error.message, at: key)
                    return nil
                }
            }
        }
    }
}

extension ValueDecoder<RouteConditions.Requirement.Test> {
    fileprivate static var requirementTest: Self {
        let value = ValueDecoder<String>.text("a value, or { present: true } or { present: false }") { $0 }
        let section = Self.mapping { keys in
            let isPresent = keys.require(
                "present", ValueDecoder<Bool>.word("whether it is there", ["true": true, "false": false]),
                placeholder: true)
            return isPresent ? .present : .absent
        }
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context) }
            return value.decode(node, context).map { .equals($0) }
        }
    }
}
