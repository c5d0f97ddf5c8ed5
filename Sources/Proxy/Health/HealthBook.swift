import Transport

/// The health of an upstream's servers: a value that receives events.
///
/// A server is available unless checks have found it down or it was ejected because requests failed. For checks only
/// their number counts; for requests also the time: several failures within a period eject a server for a time that
/// grows with every further ejection. At most half of the servers are ejected at the same time, because failures at all
/// servers are more likely caused by the requests, or by the gateway, than by the servers.
package struct HealthBook: Sendable {
    private let rules: HealthRules
    private var records: [Record]

    private struct Record {
        var name: String
        var isUp = true
        /// Consecutive checks that contradict `isUp`.
        var contrary = 0
        /// Consecutive requests that failed, and when the first of them did.
        var failures = 0
        var firstFailure = Deadline(milliseconds: 0)
        /// Until when no request is sent; in the past for a server that is not ejected.
        var ejectedUntil = Deadline(milliseconds: 0)
        /// Consecutive ejections, each longer than the one before.
        var ejections = 0
    }

    /// - Parameter names: the servers, in the order of the indices used below.
    package init(_ names: [String], rules: HealthRules) {
        self.rules = rules
        records = names.map { Record(name: $0) }
    }

    /// Copies the state of servers of the same names.
    package mutating func inherit(from old: HealthBook) {
        for index in records.indices {
            guard let known = old.records.first(where: { $0.name == records[index].name }) else { continue }
            records[index] = known
        }
    }

    /// Switches to other servers; the state of those of the same names is kept.
    mutating func follow(_ names: [String]) {
        var new = HealthBook(names, rules: rules)
        new.inherit(from: self)
        self = new
    }

    package func isUp(_ server: Int) -> Bool { records[server].isUp }

    package func ejectedUntil(_ server: Int) -> Deadline { records[server].ejectedUntil }

    // MARK: Active checks

    /// - Returns: whether the server counts as up now and did not before.
    package mutating func checkPassed(_ server: Int) -> Bool {
        guard !records[server].isUp else {
            records[server].contrary = 0
            return false
        }
        records[server].contrary += 1
        guard records[server].contrary >= rules.rise else { return false }
        records[server].isUp = true
        records[server].contrary = 0
        records[server].failures = 0
        return true
    }

    /// - Returns: whether the server counts as down now and did not before.
    package mutating func checkFailed(_ server: Int) -> Bool {
        guard records[server].isUp else {
            records[server].contrary = 0
            return false
        }
        records[server].contrary += 1
        guard records[server].contrary >= rules.fall else { return false }
        records[server].isUp = false
        records[server].contrary = 0
        return true
    }

    // MARK: Requests

    package mutating func requestSucceeded(_ server: Int) {
        records[server].failures = 0
    }

    /// - Returns: whether the server was ejected because of it.
    package mutating func requestFailed(_ server: Int, at now: Deadline) -> Bool {
        guard rules.fails > 0, records[server].ejectedUntil <= now else { return false }
        if records[server].failures == 0 || records[server].firstFailure.advanced(by: rules.within) < now {
            records[server].failures = 0
            records[server].firstFailure = now
        }
        records[server].failures += 1
        guard records[server].failures >= rules.fails, mayEjectOneMore(at: now) else { return false }
        eject(server, at: now)
        return true
    }

    private func mayEjectOneMore(at now: Deadline) -> Bool {
        let ejected = records.count { $0.ejectedUntil > now }
        return (ejected + 1) * 2 <= records.count
    }

    private mutating func eject(_ server: Int, at now: Deadline) {
        // A server that succeeded for as long as its last ejection starts again with the first length.
        let last = Delay.milliseconds(rules.eject.milliseconds * UInt64(records[server].ejections))
        if records[server].ejectedUntil.advanced(by: last) < now { records[server].ejections = 0 }
        records[server].ejections = min(records[server].ejections + 1, HealthRules.maximumGrowth)
        let length = Delay.milliseconds(rules.eject.milliseconds * UInt64(records[server].ejections))
        records[server].ejectedUntil = now.advanced(by: length)
        records[server].failures = 0
    }
}

/// When a server counts as healthy.
package struct HealthRules: Sendable, Equatable {
    /// Consecutive checks that mark a server up, or down.
    package var rise = 2
    package var fall = 3
    /// Consecutive failed requests that eject a server; 0 for never.
    package var fails = 3
    /// The period in which they fail.
    package var within = Delay.seconds(10)
    /// The length of the first ejection; the second lasts twice as long, and so on.
    package var eject = Delay.seconds(30)

    /// The longest ejection, in multiples of the first.
    static let maximumGrowth = 10

    package init() {}
}
