/// A directive of nginx's configuration; one with a block has children.
struct NginxDirective {
    var id: Int
    var name: String
    var arguments: [String]
    var place: Place
    var column: Int
    /// Nil for a directive that ends with a semicolon.
    var block: [NginxDirective]?
    /// The line of the closing brace.
    var lastLine = 0

    var item: Ledger.Item {
        var label = ([name] + arguments).joined(separator: " ")
        if label.count > 70 { label = label.prefix(69) + "…" }
        if let block, !block.isEmpty { label += " { … } (to line \(lastLine))" }
        return Ledger.Item(id: id, place: place, label: label)
    }

    var origin: Origin { .place(place) }

    var first: String { arguments.first ?? "" }
}

/// A block with the blocks around it, from which it inherits.
final class NginxScope {
    let parent: NginxScope?
    let directives: [NginxDirective]

    init(_ directives: [NginxDirective], in parent: NginxScope?) {
        self.directives = directives
        self.parent = parent
    }

    /// The directives with a name in this block.
    func own(_ name: String) -> [NginxDirective] { directives.filter { $0.name == name } }

    /// The directives with a name in the innermost block that has any, as nginx inherits them.
    func all(_ name: String) -> [NginxDirective] {
        var scope: NginxScope? = self
        while let one = scope {
            let found = one.own(name)
            if !found.isEmpty { return found }
            scope = one.parent
        }
        return []
    }

    func nearest(_ name: String) -> NginxDirective? { all(name).last }
}
