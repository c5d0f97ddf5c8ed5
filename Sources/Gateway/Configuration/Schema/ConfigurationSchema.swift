/// The JSON Schema of configuration files (draft 2020-12), for editors and other programs.
///
/// It accepts every file that the gateway accepts, and refuses unknown keys, missing ones and values of a wrong form.
/// What depends on other values, on files or on the machine is checked by `isagate check` only.
package enum ConfigurationSchema {
    package static var text: String {
        var schema = JSONText.object([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Configuration of Isagate")),
        ])
        schema.append(describe(ShapeRecorder.shape(of: .configuration)))
        return schema.text(indent: 0) + "\n"
    }

    private static let variable = "\\$\\{"

    private static func describe(_ shape: ValueShape, key: String = "") -> JSONText {
        var alternatives: [JSONText] = []
        if let element = shape.element {
            let item = describe(element)
            alternatives.append(.object([("type", .string("array")), ("items", item), ("minItems", .number(1))]))
            alternatives.append(item)
        }
        if let named = shape.named {
            alternatives.append(
                .object([
                    ("type", .string("object")), ("minProperties", .number(1)),
                    ("propertyNames", .object([("pattern", .string("^[A-Za-z0-9._-]+$"))])),
                    ("additionalProperties", describe(named)),
                ]))
        } else if let keys = shape.keys {
            alternatives.append(describe(keys, hasNames: shape.hasNames))
            // A section whose keys are all commented out.
            if !keys.contains(where: \.isRequired) { alternatives.append(.object([("type", .string("null"))])) }
        }
        alternatives += shape.texts.map(describe)
        let isAnyText = shape.texts.contains { $0.form == .any }
        if !shape.words.isEmpty, !isAnyText, shape.element == nil { alternatives.append(words(shape.words)) }
        if alternatives.count == 1 { return alternatives[0] }
        // What no decoder has described is accepted.
        return alternatives.isEmpty ? .object([]) : .object([("anyOf", .array(alternatives))])
    }

    private static func describe(_ keys: [ValueShape.Key], hasNames: Bool) -> JSONText {
        var members: [(String, JSONText)] = [("type", .string("object"))]
        if !keys.isEmpty {
            members.append(("properties", .object(keys.map { ($0.name, describe($0.value, key: $0.name)) })))
        }
        let required = keys.filter(\.isRequired).map { JSONText.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        if !hasNames { members.append(("additionalProperties", .boolean(false))) }
        return .object(members)
    }

    private static func describe(_ text: TextShape) -> JSONText {
        var schema: JSONText =
            switch text.form {
            case .any: .object([("type", .array(["string", "number", "boolean"].map(JSONText.string)))])
            case .words(let list): words(list)
            case .integer(let range):
                .object([
                    (
                        "anyOf",
                        .array([
                            .object([
                                ("type", .string("integer")), ("minimum", .number(range.lowerBound)),
                                ("maximum", .number(range.upperBound)),
                            ]), pattern("^[0-9]+$"),
                        ])
                    )
                ])
            case .size:
                .object([
                    (
                        "anyOf",
                        .array([
                            .object([("type", .string("integer")), ("minimum", .number(0))]),
                            pattern("^[0-9]+[KMG]?$"),
                        ])
                    )
                ])
            case .time: pattern("^[0-9]+(ms|s|m|h|d)$")
            }
        schema.append(.object([("description", .string(text.noun))]))
        return schema
    }

    private static func pattern(_ pattern: String) -> JSONText {
        .object([("type", .string("string")), ("pattern", .string("\(pattern)|\(variable)"))])
    }

    /// The words, and what YAML makes of some of them.
    private static func words(_ words: [String]) -> JSONText {
        let values = words.flatMap { word -> [JSONText] in
            if let number = Int(word) { return [.string(word), .number(number)] }
            if let flag = ["true": true, "false": false][word] { return [.string(word), .boolean(flag)] }
            return [.string(word)]
        }
        // A version such as 1.2 is a number to YAML.
        let numbers = words.filter { Int($0) == nil && Double($0) != nil }.map { JSONText.literal($0) }
        return .object([
            (
                "anyOf",
                .array([
                    .object([("enum", .array(values + numbers))]),
                    .object([("type", .string("string")), ("pattern", .string(variable))]),
                ])
            )
        ])
    }
}

/// A text in JSON, whose members stay in their order.
indirect enum JSONText {
    case string(String)
    case number(Int)
    case boolean(Bool)
    /// A number as it is written.
    case literal(String)
    case array([JSONText])
    case object([(String, JSONText)])

    /// Adds the members of another object.
    mutating func append(_ other: JSONText) {
        guard case .object(let own) = self, case .object(let more) = other else { return }
        self = .object(own + more)
    }

    func text(indent: Int) -> String {
        let (outer, inner) = (String(repeating: " ", count: indent), String(repeating: " ", count: indent + 2))
        switch self {
        case .string(let text): return Self.quote(text)
        case .number(let number): return String(number)
        case .boolean(let flag): return String(flag)
        case .literal(let text): return text
        case .array(let values):
            let texts = values.map { $0.text(indent: indent + 2) }
            if texts.allSatisfy({ !$0.contains("\n") }) { return "[" + texts.joined(separator: ", ") + "]" }
            return "[\n" + texts.map { inner + $0 }.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let texts = members.map { "\(inner)\(Self.quote($0)): \($1.text(indent: indent + 2))" }
            return "{\n" + texts.joined(separator: ",\n") + "\n\(outer)}"
        }
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
