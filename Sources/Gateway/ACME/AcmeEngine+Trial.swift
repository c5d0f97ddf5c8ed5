import ACME
import Logging
import TLS

/// Orders whose certificates are thrown away: they show that names can be proved, and change nothing that is served.
extension AcmeEngine {
    /// One command for several orders.
    final class Trial {
        let issuer: AcmeIssuer
        let report: TrialReport

        init(_ issuer: AcmeIssuer, _ report: TrialReport) {
            self.issuer = issuer
            self.report = report
        }
    }

    /// What came of the orders of a command.
    final class TrialReport {
        private let assignment: AcmeAssignment
        private var left: Int
        private var lines: [String] = []
        private var hasFailed = false

        init(_ assignment: AcmeAssignment, orders: Int) {
            self.assignment = assignment
            left = orders
        }

        func note(_ line: String, isDone: Bool) {
            lines.append(line)
            if !isDone { hasFailed = true }
            left -= 1
            guard left == 0 else { return }
            let text = lines.joined(separator: "\n")
            assignment.done(hasFailed ? .failed(text) : .done(text))
        }
    }

    /// Answered when all orders have ended; each issuer of a certificate is tried.
    func test(_ name: String?, inProduction: Bool, _ assignment: AcmeAssignment) throws(AcmeError) {
        guard !entries.contains(where: \.isTrial) else { throw .local("a test is under way already") }
        var trials: [(AcmePlan.Certificate, AcmeIssuer)] = []
        for entry in try entries(of: name) {
            let certificate = entry.certificate
            for name in certificate.use.issuers {
                // One kind of key is enough.
                let isKnown = trials.contains { $0.0.use.names == certificate.use.names && $0.1.name == name }
                if !isKnown { trials.append((certificate, try trialIssuer(name, certificate.storage, inProduction))) }
            }
        }
        let report = TrialReport(assignment, orders: trials.count)
        for (certificate, issuer) in trials {
            let entry = Entry(certificate, trial: Trial(issuer, report))
            entry.record = CertificateRecord(names: certificate.use.names)
            entries.append(entry)
        }
    }

    private func trialIssuer(
        _ name: String, _ place: String, _ inProduction: Bool
    ) throws(AcmeError) -> AcmeIssuer {
        guard let plan, var configuration = plan.issuers[name], let store = stores[place] else {
            throw .local("there is no issuer \(name) that orders certificates")
        }
        if let directory = configuration.trialDirectory {
            // Its account there is not that of the directory that certificates are ordered from.
            configuration.directory = directory
            return try AcmeIssuer(configuration, store.storage, plan.files, logger, isTrial: true)
        }
        guard inProduction, let issuer = try issuer(name, in: place) else {
            throw .local(
                "issuer \(name) has no directory for tests: set staging, or order a certificate that counts with --production"
            )
        }
        return issuer
    }

    /// Takes the next step of a trial.
    func stepTrial(_ entry: Entry, _ store: AcmeStore, _ lock: StorageLock) {
        guard let issuer = entry.trial?.issuer, var record = entry.record else { return }
        do throws(AcmeError) {
            let account = try issuer.account(lock)
            if record.order == nil {
                guard issuer.budget.order(at: now, isRenewal: false) <= now else {
                    throw .local("too much was asked of the authority lately; try again later")
                }
                try beginOrder(&record, entry, issuer)
            }
            guard var open = record.order else { return }
            if try advance(&open, &record, entry, issuer, account, store, lock) {
                record.order = open
                entry.record = record
            } else {
                end(entry, "a certificate was issued, and thrown away", isDone: true)
            }
        } catch {
            if error == .interrupted { return }
            if case .notValidated(let host, _) = error {
                issuer.budget.noteFailedValidation(of: host, at: now)
                try? issuer.saveBudget(lock)
            }
            end(entry, error.message, isDone: false)
        }
    }

    /// Checks a certificate as one that is going to be served; false, since its order is complete.
    func test(
        _ url: String, _ open: CertificateRecord.OpenOrder, _ entry: Entry, _ issuer: AcmeIssuer,
        _ account: SignedAccount
    ) throws(AcmeError) -> Bool {
        _ = try check(try issuer.client.certificate(at: url, account).chain, open, entry)
        return false
    }

    func endTrials(_ reason: String) {
        for entry in entries where entry.isTrial { end(entry, reason, isDone: false) }
    }

    /// Records that were published for it are removed, as nothing with its order is left.
    private func end(_ entry: Entry, _ text: String, isDone: Bool) {
        withdrawAnswers(of: entry)
        entries.removeAll { $0 === entry }
        guard let trial = entry.trial else { return }
        let line = "\(entry.certificate.use.names.joined(separator: ", ")) by \(trial.issuer.name): \(text)"
        logger.notice("acme: test of \(line)")
        trial.report.note(line, isDone: isDone)
    }
}
