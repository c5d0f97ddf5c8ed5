import Yams

/// The values of a configuration file as they are written, by the keys that lead to them.
struct ConfigurationPlaces {
    private let root: Node?

    /// Without any value for a text that is not YAML.
    init(_ text: String) {
        root = (try? YAMLDocument(SourceText(text)))?.root
    }

    enum Step {
        case key(String)
        /// An element of a list; a single value is a list of one.
        case index(Int)
    }

    func node(at path: [Step]) -> Node? {
        path.reduce(root) { node, step in
            switch step {
            case .key(let key): node?.mapping?[key]
            case .index(let index):
                if let list = node?.sequence {
                    list.indices.contains(index) ? list[index] : nil
                } else {
                    index == 0 ? node : nil
                }
            }
        }
    }

    func line(of path: [Step]) -> Int? { node(at: path).map(\.position.line) }

    /// How many elements the list at a path has.
    func count(at path: [Step]) -> Int {
        guard let node = node(at: path) else { return 0 }
        return node.sequence?.count ?? 1
    }
}

extension Node {
    /// The value on one line, as YAML writes it within brackets; secrets are masked.
    func flow(key: String = "") -> String {
        switch self {
        case .scalar(let scalar): SecretMask.hides(key, scalar.string) ? SecretMask.text : flowText(scalar)
        case .sequence(let list): "[" + list.map { $0.flow(key: key) }.joined(separator: ", ") + "]"
        case .mapping(let mapping):
            "{"
                + mapping.map { name, value in
                    "\(name.flow()): \(value.flow(key: name.scalar?.string ?? ""))"
                }.joined(separator: ", ") + "}"
        case .alias: "*"
        }
    }

    private func flowText(_ scalar: Scalar) -> String {
        guard scalar.style == .plain else {
            return "\"" + scalar.string.unicodeScalars.map { $0 == "\n" ? "\\n" : printable($0) }.joined() + "\""
        }
        return scalar.string
    }
}

/// Which values are not shown to people.
enum SecretMask {
    static let text = "***"

    private static let words = ["authorization", "password", "passphrase", "secret", "token", "api-key", "apikey"]

    /// Whether the value of a key is a secret itself. The path of a file with one is not, nor is a variable's name.
    static func hides(_ key: String, _ value: String) -> Bool {
        let key = key.lowercased().map { $0 == "_" ? "-" : String($0) }.joined()
        // The name of a cookie is none.
        if key.hasSuffix("cookie") { return value.contains("=") }
        guard !key.hasSuffix("-file"), words.contains(where: key.contains) else { return false }
        return !(value.hasPrefix("${") && value.hasSuffix("}")) && !value.hasPrefix("/")
    }
}
