/// What the gateway would do with a request, and which lines of the configuration decide it.
package struct RequestExplanation: Encodable, Equatable, Sendable {
    /// One thing that had a part in the decision.
    package struct Step: Encodable, Equatable, Sendable {
        package enum Part: String, Encodable, Sendable {
            case listener, certificate, site
            /// A route whose path fits, but not its conditions.
            case passedRoute = "passed over"
            case route, action, rule, limit
        }

        package var part: Part
        package var text: String
        /// Nil for a default.
        package var line: Int?
    }

    /// Why the action of the route is not reached.
    package struct Refusal: Encodable, Equatable, Sendable {
        /// Nil for a connection that is closed without a response.
        package var status: Int?
        package var text: String
        /// The code of `isagate explain`.
        package var code: String?
    }

    /// The configuration file as the user named it.
    package var file: String
    package var steps: [Step] = []
    package var refusal: Refusal?
    /// What could not be taken into account.
    package var notes: [String] = []

    /// Whether the action of a route answers the request.
    package var isAnswered: Bool { refusal == nil }

    /// For people: a line for each step, with the place in the file.
    package var description: String {
        var rows = steps.map { step in
            (step.part.rawValue, step.text, step.line.map { "\(file):\($0)" } ?? "by default")
        }
        rows.append(("outcome", outcome, ""))
        rows += notes.map { ("note", $0, "") }
        let width = min(rows.filter { !$0.2.isEmpty }.map(\.1.count).max() ?? 0, 60)
        return rows.map { name, text, place in
            let name = name + String(repeating: " ", count: 13 - name.count)
            guard !place.isEmpty else { return name + text }
            return name + text + String(repeating: " ", count: max(0, width - text.count) + 2) + place
        }.joined(separator: "\n")
    }

    private var outcome: String {
        guard let refusal else { return "answered by the action" }
        let status = refusal.status.map { "\($0), " } ?? "without a response, "
        let hint = refusal.code.map { " (isagate explain \($0))" } ?? ""
        return "refused: \(status)\(refusal.text)\(hint)"
    }
}
