import ACME
import FoundationEssentials
import TLS

/// Takes the accounts and certificates of another client over, so that nothing is ordered anew.
package struct AcmeImport {
    /// What is taken over, for people.
    package private(set) var taken: [String] = []
    /// What is not, with the reason.
    package private(set) var left: [String] = []
    private var accounts: [(issuer: AcmeConfiguration, account: StoredAccount)] = []
    private var certificates: [(certificate: AcmePlan.Certificate, text: [UInt8], record: CertificateRecord)] = []
    private let configuration: Configuration
    private let plan: AcmePlan
    private let now: TLS.Timestamp

    package enum Failure: Error, Equatable {
        /// Another process holds the lock of a storage.
        case busy(String)
        case failed(String)

        package var message: String {
            switch self {
            case .busy(let text), .failed(let text): text
            }
        }
    }

    /// Reads both sides, and decides; nothing is written.
    ///
    /// - Parameter kind: `certbot` or `caddy`.
    package init(
        _ configuration: Configuration, kind: String, folder: String, at now: TLS.Timestamp = .now
    ) throws(Failure) {
        guard let kind = ForeignStore.Kind(rawValue: kind) else {
            throw .failed("expected certbot or caddy, found \(kind)")
        }
        self.configuration = configuration
        self.now = now
        var files: [String: [UInt8]] = [:]
        for path in configuration.acme.compactMap(\.storageKeyFile) where files[path] == nil {
            do throws(CertificateProblem) {
                files[path] = try CertificateFileSystem.read(path)
            } catch {
                throw .failed(error.description)
            }
        }
        plan = AcmePlan(configuration, files: files)
        let found: ForeignStore
        do throws(ForeignStore.Problem) {
            found = try ForeignStore.read(kind, folder)
        } catch {
            throw .failed("\(error.file): \(error.reason)")
        }
        left = found.problems.map { "\($0.file): \($0.reason)" }
        for account in found.accounts { judge(account) }
        judge(found.certificates)
    }

    private func passphrase(_ file: String?) -> [UInt8]? { file.map { Passphrase.line(plan.files[$0] ?? []) } }

    private func pem(_ key: [UInt8], _ keyFile: String?) throws(TLSError) -> (SigningKey, [UInt8]) {
        let key = try SigningKey(pem: key, passphrase: nil)
        let phrase = passphrase(keyFile).map { String(decoding: $0, as: UTF8.self) }
        return (key, key.pem(passphrase: phrase))
    }

    // MARK: Accounts

    private mutating func judge(_ account: ForeignStore.Account) {
        let issuers = plan.issuers.values.filter { ForeignStore.authorityKey($0.directory) == account.authority }
        guard !issuers.isEmpty else {
            return left.append("\(account.file): no issuer of the configuration has the directory \(account.authority)")
        }
        for issuer in issuers.sorted(by: { $0.name < $1.name }) {
            if let reason = obstacle(account, issuer) { left.append("\(account.file): \(reason)") }
        }
    }

    /// Why an account is not taken over for an issuer; nil if it is.
    private mutating func obstacle(_ account: ForeignStore.Account, _ issuer: AcmeConfiguration) -> String? {
        if accounts.contains(where: { $0.issuer.name == issuer.name }) {
            return "issuer \(issuer.name) has one already"
        }
        guard account.url.hasPrefix("https://") else { return "its URL is none of https" }
        let stored = try? FolderStorage(issuer.storage).read("accounts/\(issuer.name).json")
        if let stored, let known = try? JSONDecoder().decode(StoredAccount.self, from: Data(stored)),
            known.directory == issuer.directory, known.url != nil
        {
            return "the storage has an account of issuer \(issuer.name) already"
        }
        let text: [UInt8]
        do throws(TLSError) {
            text = try pem(account.key, issuer.storageKeyFile).1
        } catch {
            return error.description
        }
        accounts.append(
            (
                issuer,
                StoredAccount(
                    directory: issuer.directory, url: account.url, key: String(decoding: text, as: UTF8.self))
            ))
        taken.append("account of \(issuer.name): \(account.file) (\(visibleText(account.url)))")
        return nil
    }

    // MARK: Certificates

    private struct Candidate {
        let found: ForeignStore.Certificate
        let contents: CertificateContents
        let kind: SigningKey.Kind
    }

    private mutating func judge(_ found: [ForeignStore.Certificate]) {
        var candidates: [Candidate] = []
        for certificate in found {
            do throws(CertificateProblem) {
                let contents = try CertificateContents(
                    certificate.key + certificate.chain, passphrase: nil, file: certificate.file, at: now)
                if let problem = contents.problem { throw problem }
                do throws(TLSError) {
                    let kind = try SigningKey(pem: certificate.key, passphrase: nil).kind
                    candidates.append(Candidate(found: certificate, contents: contents, kind: kind))
                } catch {
                    left.append("\(certificate.file): \(error.description)")
                }
            } catch {
                left.append(error.description)
            }
        }
        // The one that is valid longest first, so that it is taken.
        candidates.sort { $0.contents.notAfter.seconds > $1.contents.notAfter.seconds }
        for candidate in candidates {
            if let reason = obstacle(candidate) { left.append("\(candidate.found.file): \(reason)") }
        }
    }

    /// Why a certificate is not taken over; nil if it is.
    private mutating func obstacle(_ candidate: Candidate) -> String? {
        let contents = candidate.contents
        let names = Set(contents.names)
        let wanted = plan.certificates.filter { Set($0.use.names) == names }
        guard !wanted.isEmpty else {
            return "no site wants a certificate for exactly \(visibleText(contents.names.joined(separator: ", ")))"
        }
        guard let certificate = wanted.first(where: { $0.use.key.rawValue == candidate.kind.rawValue }) else {
            let kinds = wanted.map(\.use.key.rawValue).joined(separator: " and ")
            return "its key is \(candidate.kind.rawValue), and its site wants \(kinds)"
        }
        let issuer = certificate.use.issuers.first { name in
            plan.issuers[name].map { ForeignStore.authorityKey($0.directory) } == candidate.found.authority
        }
        guard let issuer else {
            return candidate.found.authority.map { "it is of \($0), which no issuer of its site is" }
                ?? "nothing tells which authority has issued it"
        }
        if certificates.contains(where: { $0.certificate == certificate }) { return "another one is valid longer" }
        if let stored = try? FolderStorage(certificate.storage).read(certificate.label + ".pem"),
            let known = try? CertificateContents(
                stored, passphrase: passphrase(certificate.storageKeyFile), file: certificate.label, at: now),
            known.problem == nil, Set(known.names) == names
        {
            return "the storage has one for these names already, serial \(known.serial)"
        }
        let key: [UInt8]
        do throws(TLSError) {
            key = try pem(candidate.found.key, certificate.storageKeyFile).1
        } catch {
            return error.description
        }
        var record = CertificateRecord(names: certificate.use.names)
        record.noteIssued(
            by: issuer, names: certificate.use.names, serial: contents.serial, notBefore: contents.notBefore.seconds,
            notAfter: contents.notAfter.seconds, renewalID: RenewalIdentifier.make(of: contents.encoded),
            chance: .random(in: 0...1), at: now.seconds)
        certificates.append((certificate, key + candidate.found.chain, record))
        taken.append(
            "certificate for \(certificate.use.names.joined(separator: ", ")): \(candidate.found.file), expires \(contents.notAfter)"
        )
        return nil
    }

    // MARK: Writing

    /// Writes what is taken over; as root, with the rights of `user`, whom the files belong to then.
    package func write() throws(Failure) {
        let places = Set(accounts.map(\.issuer.storage) + certificates.map(\.certificate.storage))
        guard !places.isEmpty else { return }
        do throws(GatewayError) {
            StorageFolders(configuration).make()
            try dropPrivileges(to: configuration.user)
        } catch {
            throw .failed(error.message)
        }
        for place in places.sorted() { try write(in: place) }
    }

    private func write(in place: String) throws(Failure) {
        let storage = FolderStorage(place)
        let lock: StorageLock?
        do throws(AcmeError) {
            try storage.prepare()
            lock = try storage.lock()
        } catch {
            throw .failed(error.message)
        }
        guard let lock else { throw .busy("\(place) is in use by a gateway; stop it first") }
        do throws(AcmeError) {
            for (issuer, account) in accounts where issuer.storage == place {
                try storage.write(account.encoded, to: "accounts/\(issuer.name).json", lock)
            }
            for (certificate, text, record) in certificates where certificate.storage == place {
                try storage.write(text, to: certificate.label + ".pem", lock)
                try storage.write(record.encoded, to: certificate.label + ".json", lock)
            }
        } catch {
            throw .failed(error.message)
        }
    }
}
