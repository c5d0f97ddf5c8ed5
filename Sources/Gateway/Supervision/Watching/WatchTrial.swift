/// Finds out which of the changed files can be used: tries all together and, if that fails, each half separately.
///
/// So a pair that cannot be used does not prevent other renewals, and a renewal of all is a single replacement.
struct WatchTrial: Equatable, Sendable {
    /// Files, by absolute path, that are only usable together.
    typealias Change = Set<String>

    /// The last element is tried next.
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

    /// Nothing can be tried, for an unrelated reason.
    mutating func abandon(_ reason: String) {
        untried = []
        failures.append(reason)
    }
}
