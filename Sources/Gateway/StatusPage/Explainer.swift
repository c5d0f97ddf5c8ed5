import Synchronization

/// Finds the explanations of problems; each is looked up once, because the same problems are shown every second.
final class Explainer: Sendable {
    /// What the page shows of a reason.
    struct Explanation: Encodable, Equatable, Sendable {
        let code: String
        let cause: Reason.Cause
        let meaning: String
        let action: String

        init(_ reason: Reason) {
            code = reason.code
            cause = reason.cause
            meaning = reason.meaning
            action = reason.action
        }
    }

    /// Problems are shown as long as they are recent; others take their places here.
    private static let limit = 256

    private let known = Mutex<[String: Explanation?]>([:])

    /// - Parameter topic: how the line of the log begins.
    func explanation(of reason: String, _ topic: String) -> Explanation? {
        let line = "\(topic): \(reason)"
        if let known = known.withLock({ $0[line] }) { return known }
        let found = Self.find(reason, topic, line).map(Explanation.init)
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known[line] = .some(found)
        }
        return found
    }

    /// A line that could mean several reasons is not explained.
    private static func find(_ reason: String, _ topic: String, _ line: String) -> Reason? {
        guard let event = Reason.Event(rawValue: topic) else {
            let found = ReasonCatalogue.find(line)
            return found.count == 1 ? found[0] : nil
        }
        // The text may name what it concerns before the reason itself.
        var text = reason[...]
        var last: Reason?
        while true {
            let found = ReasonCatalogue.reason(for: String(text), event: event)
            if let found, found.text != "*" { return found }
            last = last ?? found
            guard let colon = text.firstRange(of: ": ") else { return last }
            text = text[colon.upperBound...]
        }
    }
}
