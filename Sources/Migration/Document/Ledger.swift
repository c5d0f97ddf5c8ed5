/// What became of everything that the imported files contain. Nothing is dropped in silence: an item without an outcome
/// is reported as not carried over.
package final class Ledger {
    /// A directive, an element or an attribute.
    struct Item {
        /// Unique in one import.
        var id: Int
        var place: Place
        /// As the report names it.
        var label: String
    }

    enum Outcome: Equatable {
        case carried
        /// With the reason.
        case unneeded(String)
        /// With what to do.
        case omitted(String)
    }

    private var outcomes: [Int: Outcome] = [:]
    private var remarks: [(place: Place, text: String)] = []
    private var remarked = Set<String>()
    private var findings: [(item: Item, outcome: Outcome)] = []

    func carry(_ item: Item) { outcomes[item.id] = .carried }

    func markUnneeded(_ item: Item, _ reason: String) { outcomes[item.id] = .unneeded(reason) }

    /// The first outcome that says what to do remains.
    func omit(_ item: Item, _ advice: String) {
        if case .omitted? = outcomes[item.id] { return }
        outcomes[item.id] = .omitted(advice)
    }

    func outcome(of item: Item) -> Outcome? { outcomes[item.id] }

    /// Notes a difference of something that is carried over.
    func remark(_ place: Place, _ text: String) {
        if remarked.insert("\(place) \(text)").inserted { remarks.append((place, text)) }
    }

    /// Completes the ledger with one item of the files; to be called for each, in order.
    ///
    /// - Parameter other: the outcome where nothing has been noted.
    /// - Returns: whether what the item contains has outcomes of its own.
    func close(_ item: Item, orElse other: @autoclosure () -> Outcome) -> Bool {
        let outcome = outcomes[item.id] ?? other()
        if outcome == .carried { return true }
        findings.append((item, outcome))
        return false
    }
}

extension Ledger {
    /// What an operator has to know about an import.
    package struct Report: Sendable, Equatable {
        /// What is not in the new configuration, and what to do.
        package var omitted: [String] = []
        /// What is in the new configuration and differs.
        package var remarks: [String] = []
        /// What needs no setting, and why.
        package var unneeded: [String] = []
    }

    package var report: Report {
        var report = Report()
        for (item, outcome) in findings {
            switch outcome {
            case .carried: break
            case .unneeded(let reason): report.unneeded.append("\(item.place): \(item.label): \(reason)")
            case .omitted(let advice): report.omitted.append("\(item.place): \(item.label): \(advice)")
            }
        }
        report.remarks = remarks.map { "\($0.place): \($0.text)" }
        return report
    }
}
