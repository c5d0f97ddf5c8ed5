import ACME
import Glibc
import Logging
import TLS
import Transport

/// Orders and renews certificates, on its own thread: one request to an authority after the other, whichever is due
/// first, so that nothing comes in bursts.
final class AcmeEngine {
    let responder: AcmeResponder
    let mailbox: AcmeMailbox
    let logger: Logger
    var plan: AcmePlan?
    private(set) var stores: [String: AcmeStore] = [:]
    private var shared: [String: SharedStorageConfiguration] = [:]
    private var issuers: [String: AcmeIssuer] = [:]
    var entries: [Entry] = []
    private var loggedSkew = false

    final class Entry {
        let certificate: AcmePlan.Certificate
        var record: CertificateRecord?
        /// Commands that wait for the outcome of the next attempt.
        var waiting: [AcmeAssignment] = []
        /// For an order whose certificate is thrown away.
        let trial: Trial?

        init(_ certificate: AcmePlan.Certificate, trial: Trial? = nil) {
            self.certificate = certificate
            self.trial = trial
        }

        var isTrial: Bool { trial != nil }
        /// Whose the records are that are published for it.
        var owner: String { trial.map { "test/\($0.issuer.name)/\(certificate.label)" } ?? certificate.label }
    }

    /// The clock may be set meanwhile.
    private static let longestWait = AcmeStore.longestWait
    /// Of a clock that differs from the authority's by more, certificates may be refused.
    private static let skewLimit: Int64 = 3600

    init(_ responder: AcmeResponder, mailbox: AcmeMailbox, logger: Logger) {
        self.responder = responder
        self.mailbox = mailbox
        self.logger = logger
    }

    var now: Int64 { TLS.Timestamp.now.seconds }

    /// Until the gateway ends, or another process takes over.
    func run() {
        while !mailbox.isEnding {
            if let plan = mailbox.takePlan() { adopt(plan) }
            openStores()
            readChanges()
            for assignment in mailbox.takeAssignments() { carryOut(assignment) }
            if removeNextRecord() { continue }
            if let entry = nextDue() {
                step(entry)
                publish()
            } else {
                publish()
                mailbox.wait(until: nextDeadline)
            }
        }
        endTrials("the gateway ends")
        for entry in entries { withdrawAnswers(of: entry) }
        for assignment in mailbox.takeAssignments() + entries.flatMap(\.waiting) {
            assignment.done(.failed("the gateway ends"))
        }
        for store in stores.values { store.close() }
        stores = [:]
    }

    // MARK: What is wanted

    private func adopt(_ plan: AcmePlan) {
        self.plan = plan
        issuers = [:]
        endTrials("the configuration has changed")
        let known = Dictionary(entries.map { ("\($0.certificate.storage)/\($0.certificate.label)", $0) }) { one, _ in
            one
        }
        entries = plan.certificates.map { certificate in
            let old = known["\(certificate.storage)/\(certificate.label)"]
            if let old, old.certificate == certificate { return old }
            let entry = Entry(certificate)
            entry.waiting = old?.waiting ?? []
            entry.record = old?.record
            return entry
        }
        for old in known.values where !entries.contains(where: { $0.certificate == old.certificate }) {
            withdrawAnswers(of: old)
        }
        let wanted = plan.storages
        for (place, store) in stores where shared[place] != plan.shared[place] {
            store.close()
            stores[place] = nil
        }
        shared = plan.shared
        for place in wanted where stores[place] == nil { stores[place] = AcmeStore(storage(at: place, plan), logger) }
        closeStores()
    }

    private func storage(at place: String, _ plan: AcmePlan) -> any AcmeStorage {
        guard let configuration = plan.shared[place] else { return FolderStorage(place) }
        return SharedStorage(configuration, folder: place, files: plan.files, responder, logger) { [mailbox] in
            mailbox.wake()
        }
    }

    /// What is shown of certificates that another gateway looks after.
    private func readChanges() {
        for store in stores.values {
            guard let changes = store.takeChanges() else { continue }
            for entry in entries where entry.certificate.storage == store.storage.place {
                let key = entry.certificate.label + ".json"
                guard changes.contains(key) else { continue }
                entry.record = (try? store.storage.read(key)).flatMap { $0 }.flatMap(CertificateRecord.init(stored:))
            }
        }
    }

    private func openStores() {
        for store in stores.values where store.lock != nil && !store.storage.isHeld {
            release(store, .storage("\(store.storage.place): the lock was lost"))
        }
        for store in stores.values where store.lock == nil && store.retryAt <= .current() {
            guard store.open() else { continue }
            for entry in entries where entry.certificate.storage == store.storage.place && !entry.isTrial {
                entry.record = nil
            }
        }
    }

    /// Gives storages up that nothing is kept in any more; one that is not wanted any more stays until what was published
    /// for it is removed.
    func closeStores() {
        let wanted = plan?.storages ?? []
        for (place, store) in stores where !wanted.contains(place) && !store.hasRecords {
            store.close()
            stores[place] = nil
        }
    }

    /// Leaves a storage alone for a while.
    private func release(_ store: AcmeStore, _ error: AcmeError) {
        store.release(error)
        for entry in entries where entry.certificate.storage == store.storage.place {
            tell(entry, .failed(error.message))
        }
    }

    /// Of the gateway; records of domains are removed when their order is over.
    func withdrawAnswers(of entry: Entry) {
        for use in entry.record?.order?.order.openChallenges ?? [] {
            responder.withdraw(use)
            stores[entry.certificate.storage]?.storage.unshare(use)
        }
    }

    /// Reads what is stored of a certificate; what cannot be used is set aside, and ordered anew.
    func read(_ entry: Entry, _ store: AcmeStore, _ lock: StorageLock) throws(AcmeError) -> CertificateRecord {
        let label = entry.certificate.label
        var record = CertificateRecord(names: entry.certificate.use.names)
        if let text = try store.storage.read(label + ".json") {
            if let stored = CertificateRecord(stored: text) {
                record = stored
            } else {
                try setAside(label + ".json", "it is no record of a certificate", store, lock)
            }
        }
        record.order?.order.resume()
        guard let text = try store.storage.read(label + ".pem") else {
            record.issuer = nil
            return record
        }
        do throws(CertificateProblem) {
            let contents = try CertificateContents(
                text, passphrase: passphrase(entry.certificate), file: "\(store.storage.place)/\(label).pem",
                at: .now)
            // The file counts: the record may have been written before it.
            if record.issuer == nil || record.serial != contents.serial {
                let order = record.order
                record.noteIssued(
                    by: record.issuer ?? entry.certificate.use.issuers[0], names: contents.names,
                    serial: contents.serial, notBefore: contents.notBefore.seconds,
                    notAfter: contents.notAfter.seconds, renewalID: RenewalIdentifier.make(of: contents.encoded),
                    chance: .random(in: 0...1), at: now)
                record.order = order
            }
        } catch {
            record.issuer = nil
            try setAside(label + ".pem", error.description, store, lock)
        }
        return record
    }

    private func setAside(_ key: String, _ reason: String, _ store: AcmeStore, _ lock: StorageLock) throws(AcmeError) {
        let place = try store.storage.setAside(key, lock)
        logger.warning("acme: \(store.storage.place)/\(key) cannot be used and is now \(place): \(reason)")
    }

    func passphrase(_ certificate: AcmePlan.Certificate) -> [UInt8]? {
        certificate.storageKeyFile.map { Passphrase.line(plan?.files[$0] ?? []) }
    }

    // MARK: Time

    private func due(_ entry: Entry) -> Int64 {
        guard let record = entry.record else { return now }
        return isBlocked(entry) ? .max : record.due(for: entry.certificate.use.names, at: now)
    }

    /// Whether another order has to end first, since a handshake can prove a name for one of them only.
    private func isBlocked(_ entry: Entry) -> Bool {
        guard let wanted = entry.record?.order?.order.namesToHold, !wanted.isEmpty else { return false }
        return entries.contains { other in
            other !== entry && other.record?.order?.order.heldNames.isDisjoint(with: wanted) == false
        }
    }

    /// An entry whose time has come, in a storage that can be written.
    private func nextDue() -> Entry? {
        let now = now
        return entries.filter { stores[$0.certificate.storage]?.lock != nil }.map { ($0, due($0)) }
            .filter { $0.1 <= now }.min { $0.1 < $1.1 }?.0
    }

    private var nextDeadline: Deadline {
        let present = Deadline.current()
        var next = present.advanced(by: Self.longestWait)
        for store in stores.values where store.lock == nil { next = min(next, store.retryAt) }
        let now = now
        for store in stores.values where store.lock != nil {
            guard let removal = store.records.nextRemoval else { continue }
            next = min(next, present.advanced(by: .seconds(UInt64(max(0, min(removal - now, 3600))))))
        }
        for entry in entries where stores[entry.certificate.storage]?.lock != nil {
            let seconds = max(0, min(due(entry) - now, 3600))
            next = min(next, present.advanced(by: .milliseconds(UInt64(seconds) * 1000)))
        }
        return next
    }

    // MARK: Steps

    private func step(_ entry: Entry) {
        guard let store = stores[entry.certificate.storage], let lock = store.lock else { return }
        if entry.isTrial { return stepTrial(entry, store, lock) }
        if entry.record == nil {
            do throws(AcmeError) { entry.record = try read(entry, store, lock) } catch { store.release(error) }
            return
        }
        do throws(AcmeError) {
            try store.storage.prolong(lock)
            try perform(entry, store, lock)
            try save(entry, store, lock)
        } catch {
            // The next gateway begins the step anew.
            if error == .interrupted { return }
            if case .storage = error { return release(store, error) }
            fail(entry, error)
            do throws(AcmeError) { try save(entry, store, lock) } catch {
                store.release(error)
            }
        }
    }

    private func save(_ entry: Entry, _ store: AcmeStore, _ lock: StorageLock) throws(AcmeError) {
        guard let record = entry.record else { return }
        try store.storage.write(record.encoded, to: entry.certificate.label + ".json", lock)
        store.noteWritten()
    }

    private func perform(_ entry: Entry, _ store: AcmeStore, _ lock: StorageLock) throws(AcmeError) {
        guard var record = entry.record else { return }
        let use = entry.certificate.use
        guard record.isOrderDue(for: use.names, at: now) else {
            if record.askAt <= now { try ask(&record, use, store, lock) }
            entry.record = record
            return
        }
        let name = record.order?.issuer ?? use.issuers[record.failures % use.issuers.count]
        let issuer = try issuer(name, store, lock)
        let account = try issuer.account(lock)
        if record.order == nil {
            guard try begin(&record, entry, issuer) else { return entry.record = record }
        }
        guard var open = record.order else { return }
        if try advance(&open, &record, entry, issuer, account, store, lock) { record.order = open }
        entry.record = record
        report(skewOf: issuer)
    }

    /// Begins an order; false when the authority's limits do not allow it yet.
    private func begin(
        _ record: inout CertificateRecord, _ entry: Entry, _ issuer: AcmeIssuer
    ) throws(AcmeError) -> Bool {
        let allowed = issuer.budget.order(at: now, isRenewal: record.window != nil && record.issuer == issuer.name)
        guard allowed <= now else {
            record.retryAt = allowed
            return false
        }
        try beginOrder(&record, entry, issuer)
        return true
    }

    func beginOrder(_ record: inout CertificateRecord, _ entry: Entry, _ issuer: AcmeIssuer) throws(AcmeError) {
        let key: SigningKey
        do throws(TLSError) {
            key = try SigningKey(SigningKey.Kind(rawValue: entry.certificate.use.key.rawValue) ?? .ecdsaP256)
        } catch {
            throw .local(error.description)
        }
        let phrase = passphrase(entry.certificate).map { String(decoding: $0, as: UTF8.self) }
        let order = CertificateOrder(
            names: entry.certificate.use.names,
            challenges: issuer.configuration.challenges.compactMap { ChallengeType(rawValue: $0.rawValue) }, at: now)
        record.order = CertificateRecord.OpenOrder(
            issuer: issuer.name, order: order, key: String(decoding: key.pem(passphrase: phrase), as: UTF8.self))
        logger.info("acme: ordering a certificate for \(order.names.joined(separator: ", ")) from \(issuer.name)")
    }

    /// Takes the next step of an order; false when it is complete.
    func advance(
        _ open: inout CertificateRecord.OpenOrder, _ record: inout CertificateRecord, _ entry: Entry,
        _ issuer: AcmeIssuer, _ account: SignedAccount, _ store: AcmeStore, _ lock: StorageLock
    ) throws(AcmeError) -> Bool {
        let client = issuer.client
        switch try open.order.next(at: now) {
        case .wait: break
        case .create:
            let isRenewal = record.window != nil && record.issuer == issuer.name
            let replaced =
                record.isServed(for: open.order.names, at: now) && record.issuer == issuer.name ? record.renewalID : nil
            issuer.budget.noteOrder(at: now, isRenewal: isRenewal)
            try issuer.saveBudget(lock)
            let (document, url, retryAfter) = try client.order(
                open.order.names, profile: issuer.configuration.profile, replacing: replaced, account)
            try open.order.handle(.order(document, url: url, retryAfter: retryAfter), at: now)
        case .askForOrder(let url):
            let (document, retryAfter) = try client.order(at: url, account)
            try open.order.handle(.order(document, url: nil, retryAfter: retryAfter), at: now)
        case .askForAuthorization(let url):
            let (document, retryAfter) = try client.authorization(at: url, account)
            try open.order.handle(.authorization(document, retryAfter: retryAfter), at: now)
        case .present(let use):
            let delay = try present(use, entry, issuer, account, store, lock)
            try open.order.handle(.presented(delay: delay), at: now)
        case .accept(let use):
            let allowed = issuer.budget.validation(of: use.name, at: now)
            guard allowed <= now else {
                open.order.wait(until: allowed)
                break
            }
            try client.accept(use.url, account)
            try open.order.handle(.accepted, at: now)
        case .withdraw(let use):
            try withdraw(use, entry, account, store, lock)
            try open.order.handle(.withdrawn, at: now)
        case .finalize(let url):
            let request = try CertificateRequest.make(for: open.order.names, try key(of: open, entry))
            let (document, retryAfter) = try client.finalize(url, request: request, account)
            try open.order.handle(.order(document, url: nil, retryAfter: retryAfter), at: now)
        case .download(let url):
            if entry.isTrial { return try test(url, open, entry, issuer, account) }
            try take(url, open, &record, entry, issuer, account, store, lock)
            return false
        }
        return true
    }

    /// Asks when the authority wants the certificate to be renewed; without an answer the schedule stays.
    private func ask(
        _ record: inout CertificateRecord, _ use: AcmeUse, _ store: AcmeStore, _ lock: StorageLock
    ) throws(AcmeError) {
        record.askAt = now + RenewalSchedule.windowPause
        guard let name = record.issuer, let identifier = record.renewalID, plan?.issuers[name] != nil else { return }
        do throws(AcmeError) {
            let issuer = try issuer(name, store, lock)
            guard let (document, retryAfter) = try issuer.client.renewalInfo(of: identifier) else { return }
            record.note(try document.window(), retryAfter: retryAfter, chance: .random(in: 0...1), at: now)
        } catch {
            logger.info("acme: \(name) does not tell when \(use.names[0]) is to be renewed: \(error.message)")
        }
    }

    private func issuer(_ name: String, _ store: AcmeStore, _ lock: StorageLock) throws(AcmeError) -> AcmeIssuer {
        let key = "\(store.storage.place) \(name)"
        if let known = issuers[key] { return known }
        guard let plan, let configuration = plan.issuers[name] else {
            throw .local("issuer \(name) is not configured any more")
        }
        let made = try AcmeIssuer(configuration, store.storage, plan.files, logger)
        issuers[key] = made
        return made
    }

    private func fail(_ entry: Entry, _ error: AcmeError) {
        guard var record = entry.record else { return }
        let use = entry.certificate.use
        let name = record.order?.issuer ?? use.issuers[record.failures % use.issuers.count]
        withdrawAnswers(of: entry)
        // The order goes on, where only the connection has failed.
        if error.leavesOrder, let open = record.order, open.order.url != nil, now - open.order.began < 3600 {
            record.problem = error.message
            record.retryAt = now + RenewalSchedule.pause(failures: 1, requested: nil, chance: .random(in: 0...1)) / 4
            record.order?.order.resume()
            entry.record = record
            return
        }
        if case .notValidated(let host, _) = error, let store = stores[entry.certificate.storage],
            let lock = store.lock,
            let issuer = try? issuer(name, store, lock)
        {
            issuer.budget.noteFailedValidation(of: host, at: now)
            try? issuer.saveBudget(lock)
        }
        if record.order?.order.wasInterrupted == true, !error.isTemporary {
            // What the authority found when nobody could answer is no reason to wait.
            record.order = nil
            entry.record = record
            return logger.info("acme: an order that was interrupted begins anew: \(error.message)")
        }
        if case .refused(let problem, _) = error {
            // The authority has forgotten the account, or the certificate was renewed by somebody else.
            if problem.kind == "accountDoesNotExist" { forgetAccount(name, entry) }
            if problem.kind == "alreadyReplaced" { record.renewalID = nil }
        }
        record.noteFailure(
            error, alternatives: use.issuers.count, chance: .random(in: 0...1), at: now)
        entry.record = record
        tell(entry, .failed(error.message))
        logger.error(
            "acme: no certificate for \(use.names.joined(separator: ", ")) from \(name): \(error.message); trying again in \(formatTime(.seconds(max(0, record.retryAt - now)))) (\(Condition.Word.acmeFailing.rawValue))"
        )
    }

    func tell(_ entry: Entry, _ outcome: AcmeOutcome) {
        let waiting = entry.waiting
        entry.waiting = []
        for assignment in waiting { assignment.done(outcome) }
    }

    /// Why a storage has nothing to be written to, for operators.
    func obstacle(at place: String) -> String {
        guard let store = stores[place] else { return "no certificate is ordered with \(place)" }
        if let problem = store.storage.problem { return "\(problem); nothing is ordered until it is back" }
        if let problem = store.problem { return problem }
        if let holder = store.storage.holder {
            return "another gateway orders at present, and has to be asked: \(holder)"
        }
        return "\(place) cannot be used now; the log tells why"
    }

    /// The storage of an entry and its lock; nil while another process has it.
    func storage(of place: String) -> (any AcmeStorage, StorageLock)? {
        guard let store = stores[place], let lock = store.lock else { return nil }
        return (store.storage, lock)
    }

    func issuer(_ name: String, in place: String) throws(AcmeError) -> AcmeIssuer? {
        guard let store = stores[place], let lock = store.lock else { return nil }
        return try issuer(name, store, lock)
    }

    private func forgetAccount(_ name: String, _ entry: Entry) {
        guard let store = stores[entry.certificate.storage], let lock = store.lock,
            let issuer = try? issuer(name, store, lock)
        else { return }
        try? issuer.forgetAccount(lock)
    }

    /// A clock that is wrong makes certificates look expired, or not valid yet.
    private func report(skewOf issuer: AcmeIssuer) {
        guard let skew = issuer.client.clockSkew, abs(skew) > Self.skewLimit else {
            loggedSkew = false
            return
        }
        if !loggedSkew {
            let time = formatTime(.seconds((abs(skew) + 1800) / 3600 * 3600))
            logger.warning(
                "acme: the clock of this machine is \(time) \(skew > 0 ? "ahead of" : "behind") that of \(issuer.name)")
        }
        loggedSkew = true
    }

    private func publish() {
        let now = now
        mailbox.publish(
            entries.filter { !$0.isTrial }.map { entry in
                let record = entry.record
                let isServed = record.map { $0.issuer != nil && now < $0.notAfter } ?? false
                let store = stores[entry.certificate.storage]
                return AcmeStatus(
                    names: entry.certificate.use.names, key: entry.certificate.use.key.rawValue,
                    issuer: isServed ? record?.issuer : nil, notAfter: isServed ? record?.notAfter : nil,
                    renewAt: isServed ? record?.renewAt : nil, isOrdering: record?.order != nil,
                    failures: record?.failures ?? 0,
                    problem: record?.problem ?? store?.problem ?? store?.storage.problem,
                    retryAt: record?.problem == nil ? nil : record?.retryAt)
            })
    }
}
