import ACME
import Logging
import TLS
import Transport

/// Answers to challenges, of which records of domains outlive orders and processes until they are removed.
extension AcmeEngine {
    /// Makes a challenge answerable.
    ///
    /// - Returns: how many seconds it takes until the answer is seen everywhere.
    func present(
        _ use: ChallengeUse, _ entry: Entry, _ issuer: AcmeIssuer, _ account: SignedAccount, _ store: AcmeStore,
        _ lock: StorageLock
    ) throws(AcmeError) -> Int64 {
        if use.type == .dnsPersist {
            let records = try issuer.persistentRecords(for: entry.certificate.use.names, lock)
            for record in records where record.domain == use.name {
                logger.info("acme: \(issuer.name) looks for the record \(record.line)")
            }
        }
        guard use.type == .dns else {
            try responder.present(use, account.jwk, at: now)
            try store.storage.share(use, keyAuthorization: account.jwk.keyAuthorization(use.token), lock)
            return 0
        }
        guard let dns = issuer.configuration.dns else {
            throw .local("issuer \(issuer.name) has no program for dns-01 any more")
        }
        let record = PublishedRecords.Record(
            owner: entry.owner, issuer: issuer.name, domain: use.name, value: use.recordValue(account.jwk))
        // Written down first: whatever happens to the program, the record is removed.
        let publishedAt = try store.changeRecords(lock) { records throws(AcmeError) in try records.begin(record) }
        let propagation = dns.propagation.components.seconds
        if let publishedAt { return min(max(0, publishedAt + propagation - now), propagation) }
        try DNSCommand(configuration: dns, storage: store.storage, mailbox: mailbox, logger: logger).run(
            .present, record)
        let now = now
        try store.changeRecords(lock) { records in records.notePublished(record, at: now) }
        return propagation
    }

    func withdraw(
        _ use: ChallengeUse, _ entry: Entry, _ account: SignedAccount, _ store: AcmeStore, _ lock: StorageLock
    ) throws(AcmeError) {
        guard use.type == .dns else {
            responder.withdraw(use)
            return store.storage.unshare(use)
        }
        let (owner, value) = (entry.owner, use.recordValue(account.jwk))
        try store.changeRecords(lock) { records in
            _ = records.end { $0.owner == owner && $0.domain == use.name && $0.value == value }
        }
    }

    /// Removes a record that no order needs any more; false when there is none, or it is too early to try again.
    func removeNextRecord() -> Bool {
        let now = now
        for store in stores.values {
            guard let lock = store.lock else { continue }
            do throws(AcmeError) {
                try endRecords(of: store, lock)
                guard let (record, isShared) = store.records.next(at: now) else { continue }
                try remove(record, isShared: isShared, store, lock)
            } catch {
                if error == .interrupted { return false }
                store.release(error)
            }
            return true
        }
        return false
    }

    /// Those of certificates that are not wanted any more, or have no order any more.
    private func endRecords(of store: AcmeStore, _ lock: StorageLock) throws(AcmeError) {
        guard store.records.records.contains(where: { !$0.isOver }) else { return }
        let own = entries.filter { $0.certificate.storage == store.storage.place }
        // What was not read yet may have an order.
        let needed = Set(
            own.filter { $0.record == nil || $0.record?.order != nil }.map(\.owner))
        try store.changeRecords(lock) { records in
            _ = records.end { !needed.contains($0.owner) }
        }
    }

    private func remove(
        _ record: PublishedRecords.Record, isShared: Bool, _ store: AcmeStore, _ lock: StorageLock
    ) throws(AcmeError) {
        var isRemoved = isShared
        if !isShared, let dns = plan?.issuers[record.issuer]?.dns {
            do throws(AcmeError) {
                try DNSCommand(configuration: dns, storage: store.storage, mailbox: mailbox, logger: logger).run(
                    .cleanup, record)
                isRemoved = true
            } catch {
                if error == .interrupted { throw error }
                logger.warning("acme: a record is not removed: \(error.message)")
                let now = now
                let isTriedAgain = try store.changeRecords(lock) { records in
                    records.noteFailure(record, chance: .random(in: 0...1), at: now)
                }
                if isTriedAgain { return }
            }
        }
        if !isRemoved {
            logger.error(
                "acme: the TXT record \(record.name) with \(record.value) was not removed; remove it from the domain")
        }
        try store.changeRecords(lock) { records in records.remove(record) }
        if !store.hasRecords { closeStores() }
    }
}
