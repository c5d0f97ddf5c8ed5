/// Finds out which of the changed files can be used: tries all at once and, when that fails, each half by itself.
///
/// So a pair that cannot be used holds back nobody else's renewal, and a renewal of all is one exchange.
struct WatchTrial: Equatable, Sendable {
    /// Files, by absolute path, that are of use only together.
    typealias Change = Set<String>

    /// What to try next is the last element.
    private var untried: [[Change]]
    /// Why changes cannot be used, for each that has been tried alone.
    private(set) var failures: [String] = []

    init(_ changes: [Change]) {
        untried = changes.isEmpty ? [] : [changes]
    }

    /// The files to try next; nil when everything has been tried.
    var next: Change? { untried.last?.reduce(into: []) { $0.formUnion($1) } }

    /// Those files are in use.
    mutating func succeeded() {
        untried.removeLast()
    }

    /// Those files cannot be used.
    mutating func failed(_ reason: String) {
        let changes = untried.removeLast()
        if changes.count > 1 {
            untried.append(Array(changes[(changes.count / 2)...]))
            untried.append(Array(changes[..<(changes.count / 2)]))
        } else {
            failures.append(reason)
        }
    }

    /// Nothing can be tried for a reason that lies elsewhere.
    mutating func abandon(_ reason: String) {
        untried = []
        failures.append(reason)
    }
}
