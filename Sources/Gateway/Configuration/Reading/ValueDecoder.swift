import Yams

/// How to decode one kind of value from a node.
///
/// A decoder reports the mistakes of the node and returns nil, or returns the value. Decoders are named for what they
/// decode and are composed where a key is declared: `keys.take("threads", .integer(in: 1...256), default: 8)`.
struct ValueDecoder<Value> {
    let decode: (Node, DecodingContext) -> Value?
}

/// Why a text is not a valid value, if more can be stated than what was expected.
struct Refusal: Error {
    var message: String
    var suggestion: String?
}

extension ValueDecoder {
    /// A scalar that `parse` accepts.
    ///
    /// `noun` completes "expected …". `parse` returns nil for a text of the wrong form, and throws to state more.
    ///
    /// - Parameter form: what texts have in common, for the description of the file.
    static func text(
        _ noun: String, form: TextShape.Form = .any, _ parse: @escaping (String) throws(Refusal) -> Value?
    ) -> Self {
        Self { node, context in
            context.recorder?.found(TextShape(noun: noun, form: form))
            guard case .scalar(let scalar) = node, !node.isNothing else {
                context.report("expected \(noun), found \(node.found)", at: node)
                return nil
            }
            do throws(Refusal) {
                if let value = try parse(scalar.string) { return value }
                context.report("expected \(noun), found \(node.found)", at: node)
            } catch {
                context.report(error.message, at: node, suggestion: error.suggestion)
            }
            return nil
        }
    }

    /// One of a few words.
    static func word(_ noun: String, _ words: KeyValuePairs<String, Value>) -> Self {
        text(noun, form: .words(words.map(\.key))) { text throws(Refusal) in
            if let match = words.first(where: { $0.key == text }) { return match.value }
            let known = words.map(\.key).joined(separator: ", ")
            throw Refusal(
                message: "expected \(noun) (\(known)), found \(quoted(text))",
                suggestion: nearestName(to: text, among: words.map(\.key)))
        }
    }

    /// A mapping with known keys, which `read` takes one by one; any other key is a mistake.
    static func mapping(_ read: @escaping (inout MappingReader) -> Value) -> Self {
        Self { node, context in
            guard var keys = MappingReader(node, context) else { return nil }
            let value = read(&keys)
            keys.reportUnknownAndMissing()
            return value
        }
    }

    /// A mapping from names that the file defines to values.
    static func named<Element>(
        _ noun: String, of element: @escaping (_ name: String) -> ValueDecoder<Element>
    ) -> Self where Value == NamedValues<Element> {
        Self { node, context in
            if let recorder = context.recorder {
                recorder.found(namesOf: element(""), context)
                return nil
            }
            guard let keys = MappingReader(node, context) else { return nil }
            if keys.names.isEmpty { context.report("expected at least one of \(noun)", at: node) }
            return NamedValues(
                names: keys.names,
                values: keys.entries.compactMap { name, key, node in
                    if name.isEmpty || !name.utf8.allSatisfy(isNameByte) {
                        context.report("a name holds letters, digits, '-', '_' and '.' only", at: key)
                    }
                    return context.decode(node, as: element(name), key: name)
                })
        }
    }

    /// A list with at least one element; a single value is a list of one.
    static func list<Element>(_ noun: String, of element: ValueDecoder<Element>) -> Self where Value == [Element] {
        Self { node, context in
            if let recorder = context.recorder {
                recorder.found(listOf: element, context)
                return nil
            }
            guard case .sequence(let sequence) = node else {
                if !node.isNothing { return element.decode(node, context).map { [$0] } }
                context.report("expected a list of \(noun), found \(node.found)", at: node)
                return nil
            }
            if sequence.isEmpty { context.report("expected a list of at least one of \(noun)", at: node) }
            return sequence.compactMap { element.decode($0, context) }
        }
    }

    /// As this decoder, but a scalar is decoded by `short` and converted.
    func or<Short>(scalar short: ValueDecoder<Short>, _ make: @escaping (Short) -> Value) -> Self {
        Self { node, context in
            guard case .scalar = node, !node.isNothing else { return decode(node, context) }
            return short.decode(node, context).map(make)
        }
    }

    /// As another decoder, with environment variables replaced.
    static func expanded(_ decoder: Self) -> Self {
        Self { node, context in
            decoder.decode(VariableExpansion(context, value: context.system.variable).expand(node), context)
        }
    }

    /// The same value with its position.
    static func located<Element>(_ element: ValueDecoder<Element>) -> Self where Value == Located<Element> {
        Self { node, context in
            element.decode(node, context).map { Located(value: $0, position: node.position) }
        }
    }
}

/// The values of a mapping whose keys are names, in file order.
struct NamedValues<Value> {
    /// Every name, also of an invalid value, so that uses of the name are not reported as well.
    var names: [String] = []
    var values: [Value] = []
}

func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
    default: isDigit(byte)
    }
}
