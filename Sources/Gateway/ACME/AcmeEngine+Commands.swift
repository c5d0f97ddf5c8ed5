import ACME
import TLS

/// What operators have the engine do.
extension AcmeEngine {
    func carryOut(_ assignment: AcmeAssignment) {
        do throws(AcmeError) {
            switch assignment.command {
            case .renew(let name, let isForced): try renew(name, isForced: isForced, assignment)
            case .revoke(let name): try assignment.done(.done(revoke(name)))
            case .persistentRecords(let name): try assignment.done(.done(persistentRecords(name)))
            case .test(let name, let inProduction): try test(name, inProduction: inProduction, assignment)
            case .rollOver(let issuer): try assignment.done(.done(rollOver(issuer)))
            }
        } catch {
            assignment.done(.failed(error.message))
        }
    }

    /// - Parameter name: nil for all of them.
    func entries(of name: String?) throws(AcmeError) -> [Entry] {
        let found = entries.filter { entry in
            !entry.isTrial && (name.map { entry.certificate.use.names.contains($0.lowercased()) } ?? true)
        }
        guard !found.isEmpty else {
            throw .local(name.map { "no certificate for \($0) is ordered" } ?? "no certificates are ordered")
        }
        for entry in found {
            guard let store = stores[entry.certificate.storage], let lock = store.lock else {
                throw .local(obstacle(at: entry.certificate.storage))
            }
            if entry.record == nil { entry.record = try read(entry, store, lock) }
        }
        return found
    }

    /// Answered when the first of the certificates is issued, or has failed.
    private func renew(_ name: String, isForced: Bool, _ assignment: AcmeAssignment) throws(AcmeError) {
        let found = try entries(of: name)
        let due = found.filter { entry in
            guard let record = entry.record else { return true }
            return isForced || !record.isServed(for: entry.certificate.use.names, at: now) || record.renewAt <= now
        }
        guard let first = due.first else {
            let time = TLS.Timestamp(seconds: found.compactMap(\.record?.renewAt).min() ?? 0)
            return assignment.done(.done("not due before \(time); --force orders it now"))
        }
        for entry in due {
            entry.record?.retryAt = 0
            entry.record?.renewAt = 0
        }
        first.waiting.append(assignment)
    }

    private func revoke(_ name: String) throws(AcmeError) -> String {
        var serials: [String] = []
        for entry in try entries(of: name) {
            guard let (storage, lock) = storage(of: entry.certificate.storage), let from = entry.record?.issuer,
                let issuer = try issuer(from, in: entry.certificate.storage),
                let text = try storage.read(entry.certificate.label + ".pem")
            else { continue }
            let contents: CertificateContents
            do throws(CertificateProblem) {
                contents = try CertificateContents(
                    text, passphrase: passphrase(entry.certificate), file: storage.place, at: .now)
            } catch {
                throw .local(error.description)
            }
            try issuer.client.revoke(contents.encoded, reason: Self.superseded, try issuer.account(lock))
            serials.append(contents.serial)
            entry.record?.retryAt = 0
            entry.record?.renewAt = 0
        }
        guard !serials.isEmpty else { throw .local("no certificate for \(name) was issued yet") }
        return "revoked \(serials.joined(separator: ", ")); others are ordered"
    }

    /// The records for dns-persist-01, as lines of a zone file; accounts that there are not yet are made.
    private func persistentRecords(_ name: String?) throws(AcmeError) -> String {
        var names: [String: [String]] = [:]
        for entry in try entries(of: name) {
            for issuer in entry.certificate.use.issuers
            where plan?.issuers[issuer]?.challenges.contains(.dnsPersist) == true {
                names["\(entry.certificate.storage) \(issuer)", default: []] += entry.certificate.use.names
            }
        }
        var lines: [String] = []
        for (key, names) in names.sorted(by: { $0.key < $1.key }) {
            // A name of an issuer has no spaces.
            let parts = key.split(separator: " ")
            let place = parts.dropLast().joined(separator: " ")
            guard let last = parts.last, let issuer = try issuer(String(last), in: place),
                let (_, lock) = storage(of: place)
            else { continue }
            lines.append("; \(issuer.name)")
            lines += try issuer.persistentRecords(for: names, lock).map(\.line)
        }
        guard !lines.isEmpty else { throw .local("no issuer of \(name ?? "a certificate") uses dns-persist-01") }
        return lines.joined(separator: "\n")
    }

    /// RFC 5280 §5.3.1.
    private static let superseded = 4

    private func rollOver(_ name: String) throws(AcmeError) -> String {
        guard let plan, let configuration = plan.issuers[name] else {
            throw .local("there is no issuer \(name) that orders certificates")
        }
        guard let issuer = try issuer(name, in: configuration.storage),
            let (_, lock) = storage(of: configuration.storage)
        else { throw .local(obstacle(at: configuration.storage)) }
        try issuer.rollOver(lock)
        return "the account at \(name) has another key"
    }
}
