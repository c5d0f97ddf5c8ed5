/// What is known about a certificate that is looked after: when it is renewed, what has failed, and the order in
/// progress; an entry of the storage.
package struct CertificateRecord: Codable, Equatable, Sendable {
    package var names: [String]
    /// The issuer of the certificate in use; nil while there is none.
    package var issuer: String?
    package var serial: String?
    package var notBefore: Int64 = 0
    package var notAfter: Int64 = 0
    package var renewAt: Int64 = 0
    package var issuedAt: Int64 = 0
    /// Before this time a window of the authority does not count.
    package var earliestRenewal: Int64 = 0
    /// How the certificate is named where its renewal is asked for.
    package var renewalID: String?
    package var window: RenewalWindow?
    /// When the authority is asked for its window again.
    package var askAt: Int64 = 0
    /// Attempts in a row that have failed.
    package var failures = 0
    /// Before this time nothing is tried.
    package var retryAt: Int64 = 0
    package var problem: String?
    package var order: OpenOrder?

    package struct OpenOrder: Codable, Equatable, Sendable {
        package var issuer: String
        package var order: CertificateOrder
        /// The key of the certificate in PEM, encrypted like every other.
        package var key: String

        package init(issuer: String, order: CertificateOrder, key: String) {
            self.issuer = issuer
            self.order = order
            self.key = key
        }
    }

    private static let hastyRenewal: Int64 = 3600
    private static let hastyPause: Int64 = 86_400

    package init(names: [String]) {
        self.names = names
    }

    /// Whether a certificate for the wanted names is in use and valid.
    package func isServed(for wanted: [String], at now: Int64) -> Bool {
        issuer != nil && now < notAfter && Set(names) == Set(wanted)
    }

    /// When something is to be done.
    package func due(for wanted: [String], at now: Int64) -> Int64 {
        if let order {
            guard let action = try? order.order.next(at: now), case .wait(let until) = action else {
                return max(now, retryAt)
            }
            return max(until, retryAt)
        }
        guard isServed(for: wanted, at: now) else { return retryAt }
        return min(max(renewAt, retryAt), askAt)
    }

    /// Whether it is time to order.
    package func isOrderDue(for wanted: [String], at now: Int64) -> Bool {
        guard retryAt <= now else { return false }
        return order != nil || !isServed(for: wanted, at: now) || renewAt <= now
    }

    package mutating func noteIssued(
        by issuer: String, names: [String], serial: String, notBefore: Int64, notAfter: Int64, renewalID: String?,
        chance: Double, at now: Int64
    ) {
        // An authority that always wants a renewal at once does not get one certificate after the other.
        let isHasty = issuedAt != 0 && now - issuedAt < Self.hastyRenewal
        self = CertificateRecord(names: names)
        issuedAt = now
        earliestRenewal = isHasty ? now + Self.hastyPause : 0
        self.issuer = issuer
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.renewalID = renewalID
        renewAt = RenewalSchedule.renewal(notBefore: notBefore, notAfter: notAfter, chance: chance)
        askAt = renewalID == nil ? .max : now
    }

    package mutating func note(_ window: RenewalWindow, retryAfter: Int64?, chance: Double, at now: Int64) {
        askAt = now + max(60, min(retryAfter ?? RenewalSchedule.windowPause, 86_400))
        guard window != self.window,
            let time = RenewalSchedule.renewal(in: window, notAfter: notAfter, chance: chance)
        else { return }
        self.window = window
        renewAt = max(time, earliestRenewal)
    }

    /// - Parameter alternatives: how many issuers there are; each is tried before a pause.
    package mutating func noteFailure(_ error: AcmeError, alternatives: Int, chance: Double, at now: Int64) {
        failures = min(failures + 1, 1_000_000)
        problem = error.message
        order = nil
        let round = failures / max(alternatives, 1)
        let isNextTried = failures % max(alternatives, 1) != 0
        retryAt =
            isNextTried
            ? now + 1
            : now + RenewalSchedule.pause(failures: round, requested: error.retryAfter, chance: chance)
    }
}
