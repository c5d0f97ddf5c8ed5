import HTTP
import Memory
import Transport

/// A route's conditions, prepared for comparison with the bytes of requests.
final class ConditionMatcher {
    private let expression: PathExpression?
    private let methods: MethodSet?
    private let headers: [RequirementMatcher]
    private let query: [RequirementMatcher]
    private let networks: [IPNetwork]?

    /// Nil when there are no conditions.
    init?(_ conditions: RouteConditions) {
        guard conditions != .none else { return nil }
        // The decoder has compiled it before.
        expression = conditions.expression.flatMap { try? PathExpression($0) }
        methods = conditions.methods.map(MethodSet.init)
        headers = conditions.headers.map(RequirementMatcher.init)
        query = conditions.query.map(RequirementMatcher.init)
        networks = conditions.networks
    }

    enum Verdict {
        case holds, fails
        /// The path takes more steps to match than are allowed.
        case undecided
    }

    /// - Parameter path: the normalized path of the request.
    func judge(_ exchange: Exchange, _ path: ByteView) -> Verdict {
        guard holds(for: exchange) else { return .fails }
        guard let expression else { return .holds }
        switch expression.matches(path) {
        case .matches: return .holds
        case .differs: return .fails
        case .undecided: return .undecided
        }
    }

    private func holds(for exchange: Exchange) -> Bool {
        if let methods, !methods.contains(exchange) { return false }
        if let networks {
            guard let client = exchange.clientIP, networks.contain(client) else { return false }
        }
        for index in headers.indices where !headers[index].isMet(byFieldsOf: exchange) { return false }
        guard !query.isEmpty else { return true }
        let text = exchange.bytes(of: exchange.head.query)
        for index in query.indices where !query[index].isMet(byQuery: text) { return false }
        return true
    }
}

/// Methods, the common ones as a bit each.
private struct MethodSet {
    private var common: UInt16 = 0
    private var others: [[UInt8]] = []

    private static let names: [(String, Method)] = [
        ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
        ("PATCH", .patch), ("CONNECT", .connect), ("TRACE", .trace),
    ]

    init(_ names: Set<String>) {
        for name in names {
            if let known = Self.names.first(where: { $0.0 == name }) {
                common |= 1 << UInt16(known.1.rawValue)
            } else {
                others.append(Array(name.utf8))
            }
        }
    }

    func contains(_ exchange: Exchange) -> Bool {
        let head = exchange.head
        if head.method != .other { return common >> UInt16(head.method.rawValue) & 1 == 1 }
        let token = exchange.bytes(of: head.methodToken)
        for index in others.indices where others[index].elementsEqual(token) { return true }
        return false
    }
}

/// One requirement on header fields or on the parameters of the query.
struct RequirementMatcher {
    private let name: [UInt8]
    private let test: Test

    private enum Test {
        case present, absent
        case equals([UInt8])
    }

    init(_ requirement: RouteConditions.Requirement) {
        name = Array(requirement.name.utf8)
        test =
            switch requirement.test {
            case .present: .present
            case .absent: .absent
            case .equals(let value): .equals(Array(value.utf8))
            }
    }

    fileprivate func isMet(byFieldsOf exchange: Exchange) -> Bool {
        let fields = exchange.fields
        for index in 0..<exchange.head.fieldCount {
            let field = fields[index]
            guard FieldSyntax.isNamed(exchange.bytes(of: field.name).bytes, name) else { continue }
            if let verdict = judge(exchange.bytes(of: field.value), isEncoded: false) { return verdict }
        }
        return isMetByNone
    }

    /// - Parameter query: the part after the question mark: `name=value` pairs between ampersands, encoded as forms
    ///   are.
    func isMet(byQuery query: ByteView) -> Bool {
        var start = 0
        while start < query.count {
            var end = start
            while end < query.count, query[end] != UInt8(ascii: "&") { end += 1 }
            var equals = start
            while equals < end, query[equals] != UInt8(ascii: "=") { equals += 1 }
            if FormText.equals(query[start..<equals], name) {
                let value = query[min(equals + 1, end)..<end]
                if let verdict = judge(value, isEncoded: true) { return verdict }
            }
            start = end + 1
        }
        return isMetByNone
    }

    /// Whether one more value of its name decides the requirement; nil when another value may still meet it.
    private func judge(_ value: ByteView, isEncoded: Bool) -> Bool? {
        switch test {
        case .present: return true
        case .absent: return false
        case .equals(let wanted):
            let isEqual = isEncoded ? FormText.equals(value, wanted) : wanted.elementsEqual(value)
            return isEqual ? true : nil
        }
    }

    private var isMetByNone: Bool {
        if case .absent = test { return true }
        return false
    }
}

/// Text as HTML forms encode it: `+` is a space, `%41` a byte (WHATWG URL §5.1).
enum FormText {
    /// Whether `encoded` decodes to `text`; an incomplete escape is taken literally.
    static func equals(_ encoded: ByteView, _ text: [UInt8]) -> Bool {
        var offset = 0
        var matched = 0
        while offset < encoded.count {
            guard matched < text.count else { return false }
            var byte = encoded[offset]
            if byte == UInt8(ascii: "+") {
                byte = UInt8(ascii: " ")
            } else if byte == UInt8(ascii: "%"), offset + 2 < encoded.count,
                let high = hexDigit(encoded[offset + 1]), let low = hexDigit(encoded[offset + 2])
            {
                byte = high << 4 | low
                offset += 2
            }
            guard byte == text[matched] else { return false }
            offset += 1
            matched += 1
        }
        return matched == text.count
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
