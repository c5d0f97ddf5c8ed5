import Yams

/// Finds the values that differ between two texts, by the keys that lead to them.
struct NodeComparison {
    private(set) var changes: [ConfigurationComparison.Change] = []
    private let oldValues: VariableExpansion
    private let newValues: VariableExpansion

    private typealias Kind = ConfigurationComparison.Change.Kind

    /// Values are shown up to this length.
    private static let shownCharacters = 120
    /// Lists of mappings, whose elements are found by what names them. A single mapping is a list of one.
    private static let lists: Set<String> = ["sites", "routes", "certificates", "servers", "access"]
    /// Keys that name an element, the first that it has.
    private static let names = ["hosts", "path", "match", "chain", "url", "name"]
    private static let untilRestart: Set<String> = ["workers", "user"]

    init(old: ConfigurationSource, new: ConfigurationSource) {
        func expansion(_ source: ConfigurationSource) -> VariableExpansion {
            let context = DecodingContext(file: source.file, folder: "/", repeatedKeys: [:]) { _ in nil }
            return VariableExpansion(context, value: source.variable)
        }
        oldValues = expansion(old)
        newValues = expansion(new)
        let (oldRoot, newRoot) = (ConfigurationPlaces(old.text), ConfigurationPlaces(new.text))
        compare(oldRoot.node(at: []), newRoot.node(at: []), at: "", key: "")
    }

    private mutating func compare(_ old: Node?, _ new: Node?, at path: String, key: String) {
        switch (old, new) {
        case (nil, nil): break
        case (nil, let new?): add(.added, path, key, nil, new)
        case (let old?, nil): add(.removed, path, key, old, nil)
        case (let old?, let new?):
            if Self.lists.contains(key), hasMappings(old) || hasMappings(new) {
                compareLists(old, new, at: path, key: key)
            } else if let old = old.mapping, let new = new.mapping {
                compareMappings(old, new, at: path)
            } else if value(old, oldValues) != value(new, newValues) {
                add(.changed, path, key, old, new)
            }
        }
    }

    private mutating func compareMappings(_ old: Node.Mapping, _ new: Node.Mapping, at path: String) {
        let names = new.compactMap(\.key.scalar?.string)
        let removed = old.compactMap(\.key.scalar?.string).filter { !names.contains($0) }
        for name in names + removed {
            compare(old[name], new[name], at: path.isEmpty ? name : "\(path).\(name)", key: name)
        }
    }

    private mutating func compareLists(_ old: Node, _ new: Node, at path: String, key: String) {
        let (olds, news) = (named(old), named(new))
        for (name, node) in news {
            compare(olds.first { $0.name == name }?.node, node, at: "\(path)[\(name)]", key: "")
        }
        for (name, node) in olds where !news.contains(where: { $0.name == name }) {
            compare(node, nil, at: "\(path)[\(name)]", key: "")
        }
        let common = olds.map(\.name).filter { name in news.contains { $0.name == name } }
        let order = news.map(\.name).filter(common.contains)
        guard common != order else { return }
        changes.append(
            .init(
                kind: .reordered, key: path, old: common.joined(separator: ", "), new: order.joined(separator: ", "),
                oldLine: old.position.line, newLine: new.position.line))
    }

    /// The elements of a list with a name each; a repeated name gets a number.
    private func named(_ list: Node) -> [(name: String, node: Node)] {
        var counts: [String: Int] = [:]
        let elements = list.sequence.map(Array.init) ?? [list]
        return elements.enumerated().map { index, node in
            let value = Self.names.lazy.compactMap { node.mapping?[$0] }.first
            let name = value.map { ($0.sequence?.map { $0.flow() } ?? [$0.flow()]).joined(separator: " ") }
            let label = name ?? node.scalar?.string ?? "\(index + 1)"
            counts[label, default: 0] += 1
            let number = counts[label] ?? 1
            return (number == 1 ? label : "\(label) #\(number)", node)
        }
    }

    private func hasMappings(_ node: Node) -> Bool {
        node.mapping != nil || node.sequence?.contains { $0.mapping != nil } == true
    }

    /// The value as it is decoded: with variables, and a list of one as its element.
    private func value(_ node: Node, _ expansion: VariableExpansion) -> Value {
        switch expansion.expand(node) {
        case .scalar(let scalar): .text(node.isNothing ? nil : scalar.string)
        case .sequence(let list):
            list.count == 1
                ? list.first.map { value($0, expansion) } ?? .list([]) : .list(list.map { value($0, expansion) })
        case .mapping(let mapping):
            .mapping(
                Dictionary(mapping.map { ($0.key.flow(), value($0.value, expansion)) }) { first, _ in first })
        case .alias: .text("*")
        }
    }

    private indirect enum Value: Equatable {
        case text(String?)
        case list([Value])
        case mapping([String: Value])
    }

    private mutating func add(_ kind: Kind, _ path: String, _ key: String, _ old: Node?, _ new: Node?) {
        var change = ConfigurationComparison.Change(
            kind: kind, key: path, old: old.map { shown($0, key) }, new: new.map { shown($0, key) },
            oldLine: old?.position.line, newLine: new?.position.line)
        if kind == .changed, change.old == change.new { change.new = (change.new ?? "") + " with another value" }
        if Self.untilRestart.contains(path) { change.note = "takes effect at the next start" }
        changes.append(change)
    }

    private func shown(_ node: Node, _ key: String) -> String {
        let text = node.flow(key: key)
        return text.count > Self.shownCharacters ? text.prefix(Self.shownCharacters - 1) + "…" : text
    }
}
