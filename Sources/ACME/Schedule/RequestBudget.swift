/// What may be asked of an authority without exceeding its limits: the one place where validations and orders are
/// counted, and written down, so that a restart does not forget them.
package struct RequestBudget: Codable, Equatable, Sendable {
    /// When validations of a name have failed, within the last hour.
    private var failures: [String: [Int64]] = [:]
    /// Orders that may begin at once, and when that was true.
    private var orders = Double(orderBurst)
    private var countedAt: Int64 = 0

    /// Let's Encrypt's limits: five failed validations of a name in an hour, and 300 new orders of an account in three
    /// hours, of which one comes back every 36 s. Others allow more.
    package static let failureLimit = 5
    package static let orderBurst = 300
    private static let secondsPerOrder = 36.0
    private static let hour: Int64 = 3600

    package init() {}

    // MARK: Validations

    /// When a validation of the name may begin; `now` or earlier if it may now.
    package func validation(of name: String, at now: Int64) -> Int64 {
        let recent = recent(failures[name] ?? [], now)
        guard recent.count >= Self.failureLimit else { return now }
        return recent[recent.count - Self.failureLimit] + Self.hour
    }

    package mutating func noteFailedValidation(of name: String, at now: Int64) {
        for (other, times) in failures {
            let kept = recent(times, now)
            failures[other] = kept.isEmpty ? nil : kept
        }
        failures[name, default: []].append(now)
    }

    /// Times of the last hour; those of a clock that was wrong do not count.
    private func recent(_ times: [Int64], _ now: Int64) -> [Int64] {
        times.filter { $0 <= now && now - $0 < Self.hour }
    }

    // MARK: Orders

    /// When an order may begin; `now` or earlier if it may now.
    ///
    /// - Parameter isRenewal: one that names the certificate it replaces within the authority's window, which counts
    ///   towards no limit.
    package func order(at now: Int64, isRenewal: Bool) -> Int64 {
        if isRenewal { return now }
        let available = available(at: now)
        return available >= 1 ? now : now + Int64(((1 - available) * Self.secondsPerOrder).rounded(.up))
    }

    package mutating func noteOrder(at now: Int64, isRenewal: Bool) {
        if isRenewal { return }
        orders = max(0, available(at: now) - 1)
        countedAt = now
    }

    private func available(at now: Int64) -> Double {
        // After the clock was set back nothing comes back until it is right again.
        let passed = max(0, now - countedAt)
        return min(orders + Double(passed) / Self.secondsPerOrder, Double(Self.orderBurst))
    }
}
