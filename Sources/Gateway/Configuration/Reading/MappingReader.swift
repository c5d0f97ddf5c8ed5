import Yams

/// Returns the values of a mapping key by key, and records which keys were not taken.
///
/// An empty value counts as a mapping without keys, so that a section may exist with all its keys commented out.
struct MappingReader {
    let context: DecodingContext
    /// Where the mapping begins.
    let position: SourcePosition
    /// The names of all keys present, in file order.
    private(set) var names: [String] = []
    /// The keys and values of `names`. A node is expensive to copy, so it is accessed only when its name is the
    /// requested one.
    private var nodes: [(key: Node, value: Node)] = []
    private var known: [String] = []
    private var missing: [String] = []

    /// Reports and returns nil when the node is not a mapping.
    init?(_ node: Node, _ context: DecodingContext) {
        self.context = context
        position = node.position
        if node.isNothing { return }
        if let recorder = context.recorder, case .mapping = node { recorder.foundMapping() }
        guard case .mapping(let mapping) = node else {
            context.report("expected a mapping of keys to values, found \(node.found)", at: node)
            return nil
        }
        var first: [String: SourcePosition] = [:]
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                context.report("expected a name as the key, found \(key.found)", at: key)
                continue
            }
            let repeated = context.repeatedKeys[key.position]
            let name = repeated ?? scalar.string
            if let earlier = first[name] {
                context.report("duplicate key \(quoted(name)), first on line \(earlier.line)", at: key)
            } else {
                first[name] = key.position
            }
            if repeated == nil {
                names.append(name)
                nodes.append((key, value))
            }
        }
    }

    /// In file order.
    var entries: [(name: String, key: Node, value: Node)] {
        context.recorder?.foundNames()
        return zip(names, nodes).map { ($0, $1.key, $1.value) }
    }

    /// The position of the value of a key, or nil when the key is absent.
    func position(of name: String) -> SourcePosition? {
        names.firstIndex(of: name).map { nodes[$0].value.position }
    }

    /// The value of an optional key; nil when it is absent or invalid.
    ///
    /// Most keys are absent; their decoders are not even created.
    mutating func take<Value>(_ name: String, _ decoder: @autoclosure () -> ValueDecoder<Value>) -> Value? {
        known.append(name)
        if let recorder = context.recorder {
            recorder.found(key: name, decoder(), isRequired: false, context)
            return nil
        }
        guard let index = names.firstIndex(of: name) else { return nil }
        return context.decode(nodes[index].value, as: decoder(), key: name)
    }

    mutating func take<Value>(
        _ name: String, _ decoder: @autoclosure () -> ValueDecoder<Value>, default: Value
    ) -> Value {
        take(name, decoder()) ?? `default`
    }

    /// A folder that exists; the default has to exist as well, if it is used.
    mutating func takeFolder(_ name: String, default folder: String, isUsed: Bool) -> String {
        if isUsed, !names.contains(name), context.kindOfFile(folder) != .folder {
            context.report("\(name) is by default \(quoted(folder)), which is not a folder here", at: position)
        }
        return take(name, .folder, default: folder)
    }

    /// The value of a key that must be present; the placeholder is used when it is absent or invalid.
    mutating func require<Value>(
        _ name: String, _ decoder: @autoclosure () -> ValueDecoder<Value>, placeholder: Value
    ) -> Value {
        if let recorder = context.recorder {
            recorder.found(key: name, decoder(), isRequired: true, context)
            return placeholder
        }
        if !names.contains(name) { missing.append(name) }
        return take(name, decoder()) ?? placeholder
    }

    /// The value of a key that must be present unless another one is.
    mutating func take<Value>(
        _ name: String, _ decoder: @autoclosure () -> ValueDecoder<Value>, orElse other: String
    ) -> Value? {
        if !names.contains(name), !names.contains(other) { missing.append(name) }
        return take(name, decoder())
    }

    /// Reports the keys that were not taken, and the required ones that are absent unless a mistyped key explains them.
    func reportUnknownAndMissing() {
        if missing.isEmpty, names.allSatisfy({ known.contains($0) }) { return }
        var explained = Set<String>()
        let present = Set(names)
        let absent = known.filter { !present.contains($0) }
        for (entry, nodes) in zip(names, nodes) where !known.contains(entry) {
            let suggestion = nearestName(to: entry, among: absent)
            if let suggestion { explained.insert(suggestion) }
            context.report("unknown key \(quoted(entry))", at: nodes.key, suggestion: suggestion)
        }
        for name in missing where !explained.contains(name) {
            context.report("missing key \(quoted(name))", at: position)
        }
    }
}
