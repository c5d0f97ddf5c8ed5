import ISAPI

extension StatusDocument {
    /// Something that went wrong, once or several times.
    struct Problem: Encodable {
        let topic: String
        let subject: String?
        let reason: String
        let detail: String?
        let severity: RecentEvents.Event.Severity
        let count: Int
        let last: Int64
        var client: String?
        var request: String?
        let explanation: Explainer.Explanation?
    }

    /// What has gone wrong lately, the latest first.
    struct ProblemList {
        let problems: [Problem]

        /// The lines about a process that crashed are its details.
        init(_ events: [RecentEvents.Event], pools: [ProcessPoolStatus], _ explainer: Explainer, _ now: Int64) {
            var rest = events
            var problems: [Problem] = []
            for pool in pools {
                for end in pool.lastEnds where EndReason(rawValue: end.reason)?.isCrash == true {
                    let lines = rest.filter { $0.isAbout(process: end.pid, of: pool) }
                    rest.removeAll { $0.isAbout(process: end.pid, of: pool) }
                    problems.append(Problem(end, of: pool, lines, now))
                }
            }
            problems += rest.map { Problem($0, explainer) }
            self.problems = problems.sorted { ($0.last, $1.reason) > ($1.last, $0.reason) }
        }
    }
}

extension RecentEvents.Event {
    fileprivate func isAbout(process: Int32, of pool: ProcessPoolStatus) -> Bool {
        (topic == "pool \(pool.name)" || topic == "extension \(pool.name)") && reason.hasPrefix("process \(process): ")
    }
}

extension StatusDocument.Problem {
    /// Why the gateway is not ready, which it is as long as this is shown.
    init(_ reason: Condition, _ now: Int64) {
        let found = ReasonCatalogue.find(reason.reason).first { $0.event == .notReady }
        self.init(
            topic: Reason.Event.notReady.rawValue, subject: reason.name, reason: reason.text, detail: nil,
            severity: .error, count: 1, last: now, explanation: found.map(Explainer.Explanation.init))
    }

    fileprivate init(_ event: RecentEvents.Event, _ explainer: Explainer) {
        self.init(
            topic: event.topic, subject: event.subject, reason: event.reason, detail: event.detail,
            severity: event.severity, count: event.count, last: event.last, client: event.client,
            request: event.request, explanation: explainer.explanation(of: event.reason, event.topic))
    }

    /// - Parameter lines: those of the log about this process.
    fileprivate init(
        _ end: ProcessPoolStatus.EndStatus, of pool: ProcessPoolStatus, _ lines: [RecentEvents.Event], _ now: Int64
    ) {
        let event = Reason.Event.processEnded
        let found = ReasonCatalogue.reason(for: end.reason, event: event)
        let details = lines.sorted { $0.last < $1.last }.map { $0.reason.drop { $0 != ":" }.dropFirst(2) }
        self.init(
            topic: event.rawValue, subject: "pool \(pool.name), process \(end.pid)", reason: end.text,
            detail: details.isEmpty ? nil : details.joined(separator: "; "), severity: .error, count: 1,
            last: now - Int64(end.secondsAgo), explanation: found.map(Explainer.Explanation.init))
    }
}
