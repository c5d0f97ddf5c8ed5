extension Reason {
    /// For people.
    package var description: String {
        let status = status.map { ", answered \($0)" } ?? ""
        return """
            \(code): \(text)
              event    \(event.rawValue)\(status)
              meaning  \(meaning)
              cause    \(cause.description)
              action   \(action)
            """
    }
}

extension Reason.Cause {
    package var description: String {
        switch self {
        case .client: "the client"
        case .upstream: "the upstream server, or a proxy in front"
        case .ownExtension: "the extension"
        case .operation: "the operator: the configuration, or a file that it names"
        case .gateway: "the gateway or its machine"
        }
    }
}

extension ReasonCatalogue {
    /// One line for each reason, ordered by what they are given for.
    package static var list: String {
        let width = reasons.map(\.code.count).max() ?? 0
        return Reason.Event.allCases.map { event in
            let lines = reasons.filter { $0.event == event }.map { reason in
                "  " + reason.code + String(repeating: " ", count: width - reason.code.count + 2) + reason.text
            }
            return ([event.rawValue] + lines).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
