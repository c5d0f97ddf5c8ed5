import ACME
import Glibc
import Logging
import TLS
import Transport

/// Orders and renews certificates, on its own thread: one request to an authority after the other, whichever is due
/// first, so that nothing comes in bursts.
final class AcmeEngine {
    private let responder: AcmeResponder
    private let mailbox: AcmeMailbox
    private let logger: Logger
    var plan: AcmePlan?
    private var stores: [String: Store] = [:]
    private var issuers: [String: AcmeIssuer] = [:]
    private(set) var entries: [Entry] = []
    private var loggedSkew = false

    /// A storage and its lock; nil while another process has it.
    private final class Store {
        let storage: FolderStorage
        var lock: StorageLock?
        var problem: String?
        var retryAt = Deadline(milliseconds: 0)

        init(_ storage: FolderStorage) { self.storage = storage }
    }

    final class Entry {
        let certificate: AcmePlan.Certificate
        var record: CertificateRecord?
        /// Commands that wait for the outcome of the next attempt.
        var waiting: [AcmeAssignment] = []

        init(_ certificate: AcmePlan.Certificate) { self.certificate = certificate }
    }

    /// The clock may be set meanwhile.
    private static let longestWait = Delay.seconds(60)
    private static let lockPause = Delay.seconds(1)
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
            for assignment in mailbox.takeAssignments() { carryOut(assignment) }
            if let entry = nextDue() {
                step(entry)
                publish()
            } else {
                publish()
                mailbox.wait(until: nextDeadline)
            }
        }
        for entry in entries { if let use = entry.record?.order?.order.openChallenge { responder.withdraw(use) } }
        for assignment in mailbox.takeAssignments() + entries.flatMap(\.waiting) {
            assignment.done(.failed("the gateway ends"))
        }
        // Gives the locks up.
        stores = [:]
    }

    // MARK: What is wanted

    private func adopt(_ plan: AcmePlan) {
        self.plan = plan
        issuers = [:]
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
            if let use = old.record?.order?.order.openChallenge { responder.withdraw(use) }
        }
        let wanted = Set(plan.certificates.map(\.storage))
        stores = stores.filter { wanted.contains($0.key) }
        for place in wanted where stores[place] == nil { stores[place] = Store(FolderStorage(place)) }
    }

    private func openStores() {
        for store in stores.values where store.lock == nil && store.retryAt <= .current() {
            do throws(AcmeError) {
                try store.storage.prepare()
                store.lock = try store.storage.lock()
                if store.lock == nil {
                    note(store, "\(store.storage.place) is in use by another gateway, which orders its certificates")
                } else {
                    store.problem = nil
                    readEntries(of: store)
                }
            } catch {
                note(store, error.message)
            }
            store.retryAt = Deadline.current().advanced(by: Self.lockPause)
        }
    }

    private func note(_ store: Store, _ problem: String) {
        if store.problem != problem { logger.warning("acme: \(problem)") }
        store.problem = problem
    }

    /// Leaves a storage that cannot be read or written alone for a while, and begins anew then: another process may hold it
    /// now, or the disk is full.
    private func release(_ store: Store, _ error: AcmeError) {
        note(store, error.message)
        store.lock = nil
        store.retryAt = Deadline.current().advanced(by: Self.longestWait)
    }

    private func readEntries(of store: Store) {
        for entry in entries where entry.certificate.storage == store.storage.place { entry.record = nil }
    }

    /// Reads what is stored of a certificate; what cannot be used is set aside, and ordered anew.
    private func read(_ entry: Entry, _ store: Store, _ lock: StorageLock) throws(AcmeError) -> CertificateRecord {
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

    private func setAside(_ key: String, _ reason: String, _ store: Store, _ lock: StorageLock) throws(AcmeError) {
        let place = try store.storage.setAside(key, lock)
        logger.warning("acme: \(store.storage.place)/\(key) cannot be used and is now \(place): \(reason)")
    }

    func passphrase(_ certificate: AcmePlan.Certificate) -> [UInt8]? {
        certificate.storageKeyFile.map { Passphrase.line(plan?.files[$0] ?? []) }
    }

    // MARK: Time

    private func due(_ entry: Entry) -> Int64 {
        guard let record = entry.record else { return now }
        return record.due(for: entry.certificate.use.names, at: now)
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
        for entry in entries where stores[entry.certificate.storage]?.lock != nil {
            let seconds = max(0, min(due(entry) - now, 3600))
            next = min(next, present.advanced(by: .milliseconds(UInt64(seconds) * 1000)))
        }
        return next
    }

    // MARK: Steps

    private func step(_ entry: Entry) {
        guard let store = stores[entry.certificate.storage], let lock = store.lock else { return }
        if entry.record == nil {
            do throws(AcmeError) { entry.record = try read(entry, store, lock) } catch { release(store, error) }
            return
        }
        do throws(AcmeError) {
            try perform(entry, store, lock)
            try save(entry, store, lock)
        } catch {
            fail(entry, error)
            do throws(AcmeError) { try save(entry, store, lock) } catch {
                release(store, error)
            }
        }
    }

    private func save(_ entry: Entry, _ store: Store, _ lock: StorageLock) throws(AcmeError) {
        guard let record = entry.record else { return }
        try store.storage.write(record.encoded, to: entry.certificate.label + ".json", lock)
        store.problem = nil
    }

    private func perform(_ entry: Entry, _ store: Store, _ lock: StorageLock) throws(AcmeError) {
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
        return true
    }

    /// Takes the next step of an order; false when it is complete.
    private func advance(
        _ open: inout CertificateRecord.OpenOrder, _ record: inout CertificateRecord, _ entry: Entry,
        _ issuer: AcmeIssuer, _ account: SignedAccount, _ store: Store, _ lock: StorageLock
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
            try responder.present(use, account.jwk, at: now)
            try open.order.handle(.presented(delay: 0), at: now)
        case .accept(let use):
            let allowed = issuer.budget.validation(of: use.name, at: now)
            guard allowed <= now else {
                open.order.wait(until: allowed)
                break
            }
            try client.accept(use.url, account)
            try open.order.handle(.accepted, at: now)
        case .withdraw(let use):
            responder.withdraw(use)
            try open.order.handle(.withdrawn, at: now)
        case .finalize(let url):
            let request = try CertificateRequest.make(for: open.order.names, try key(of: open, entry))
            let (document, retryAfter) = try client.finalize(url, request: request, account)
            try open.order.handle(.order(document, url: nil, retryAfter: retryAfter), at: now)
        case .download(let url):
            try take(url, open, &record, entry, issuer, account, store, lock)
            return false
        }
        return true
    }

    private func key(of open: CertificateRecord.OpenOrder, _ entry: Entry) throws(AcmeError) -> SigningKey {
        do throws(TLSError) {
            return try SigningKey(pem: Array(open.key.utf8), passphrase: passphrase(entry.certificate))
        } catch {
            throw .local("the key of the order cannot be used: \(error.description)")
        }
    }

    /// Checks the certificate and stores it, where the supervisor notices it.
    private func take(
        _ url: String, _ open: CertificateRecord.OpenOrder, _ record: inout CertificateRecord, _ entry: Entry,
        _ issuer: AcmeIssuer, _ account: SignedAccount, _ store: Store, _ lock: StorageLock
    ) throws(AcmeError) {
        let label = entry.certificate.label
        var (chain, alternates) = try issuer.client.certificate(at: url, account)
        var contents = try check(chain, open, entry)
        if let wanted = issuer.configuration.preferredChain, !contents.root.contains(wanted) {
            for alternate in alternates {
                guard let other = try? issuer.client.certificate(at: alternate, account).chain,
                    let read = try? check(other, open, entry), read.root.contains(wanted)
                else { continue }
                (chain, contents) = (other, read)
                break
            }
        }
        try store.storage.write(Array(open.key.utf8) + chain, to: label + ".pem", lock)
        record.noteIssued(
            by: issuer.name, names: open.order.names, serial: contents.serial, notBefore: contents.notBefore.seconds,
            notAfter: contents.notAfter.seconds, renewalID: RenewalIdentifier.make(of: contents.encoded),
            chance: .random(in: 0...1), at: now)
        tell(
            entry,
            .done("\(issuer.name) has issued a certificate: serial \(contents.serial), expires \(contents.notAfter)"))
        logger.notice(
            "acme: \(issuer.name) has issued a certificate for \(open.order.names.joined(separator: ", ")): serial \(contents.serial), expires \(contents.notAfter)"
        )
    }

    private func check(
        _ chain: [UInt8], _ open: CertificateRecord.OpenOrder, _ entry: Entry
    ) throws(AcmeError) -> CertificateContents {
        let contents: CertificateContents
        do throws(CertificateProblem) {
            contents = try CertificateContents(
                Array(open.key.utf8) + chain, passphrase: passphrase(entry.certificate), file: "the new certificate",
                at: .now)
        } catch {
            throw .wrongCertificate(error.description)
        }
        if let problem = contents.problem { throw .wrongCertificate(problem.description) }
        guard Set(contents.names) == Set(open.order.names) else {
            throw .wrongCertificate("it is for \(visibleText(contents.names.prefix(5).joined(separator: ", ")))")
        }
        return contents
    }

    /// Asks when the authority wants the certificate to be renewed; without an answer the schedule stays.
    private func ask(
        _ record: inout CertificateRecord, _ use: AcmeUse, _ store: Store, _ lock: StorageLock
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

    private func issuer(_ name: String, _ store: Store, _ lock: StorageLock) throws(AcmeError) -> AcmeIssuer {
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
        if let challenge = record.order?.order.openChallenge { responder.withdraw(challenge) }
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

    private func tell(_ entry: Entry, _ outcome: AcmeOutcome) {
        let waiting = entry.waiting
        entry.waiting = []
        for assignment in waiting { assignment.done(outcome) }
    }

    /// The storage of an entry and its lock; nil while another process has it.
    func storage(of place: String) -> (FolderStorage, StorageLock)? {
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
            entries.map { entry in
                let record = entry.record
                let isServed = record.map { $0.issuer != nil && now < $0.notAfter } ?? false
                let store = stores[entry.certificate.storage]
                return AcmeStatus(
                    names: entry.certificate.use.names, key: entry.certificate.use.key.rawValue,
                    issuer: isServed ? record?.issuer : nil, notAfter: isServed ? record?.notAfter : nil,
                    renewAt: isServed ? record?.renewAt : nil, isOrdering: record?.order != nil,
                    failures: record?.failures ?? 0, problem: record?.problem ?? store?.problem,
                    retryAt: record?.problem == nil ? nil : record?.retryAt)
            })
    }
}
