import ACME
import FoundationEssentials
import Logging
import TLS

/// An account as it is stored.
struct StoredAccount: Codable {
    var directory: String
    /// Nil until the authority has answered.
    var url: String?
    /// In PEM.
    var key: String
    /// The key that may have replaced it; nil unless that was interrupted.
    var nextKey: String?

    var encoded: [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }
}

/// An authority with the gateway's account there, and what was asked of it.
final class AcmeIssuer {
    let configuration: AcmeConfiguration
    let client: AcmeClient
    var budget = RequestBudget()
    private let storage: any AcmeStorage
    private let files: [String: [UInt8]]
    private let logger: Logger
    /// Ends the names of its entries.
    private let suffix: String
    private var signed: SignedAccount?

    var name: String { configuration.name }

    init(
        _ configuration: AcmeConfiguration, _ storage: any AcmeStorage, _ files: [String: [UInt8]], _ logger: Logger,
        isTrial: Bool = false
    ) throws(AcmeError) {
        self.configuration = configuration
        // No issuer of a configuration has a plus sign in its name.
        suffix = isTrial ? "+test" : ""
        self.storage = storage
        self.files = files
        self.logger = logger
        let transport = try AcmeHTTPS(authorities: configuration.authorities) { path throws(CertificateProblem) in
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        client = AcmeClient(configuration.directory, transport) { TLS.Timestamp.now.seconds }
        if let text = try storage.read(budgetKey),
            let stored = try? JSONDecoder().decode(RequestBudget.self, from: Data(text))
        {
            budget = stored
        }
    }

    private var accountKey: String { "accounts/\(name)\(suffix).json" }
    private var budgetKey: String { "budgets/\(name)\(suffix).json" }

    func saveBudget(_ lock: StorageLock) throws(AcmeError) {
        try storage.write((try? JSONEncoder().encode(budget)).map { Array($0) } ?? [], to: budgetKey, lock)
    }

    /// The account, which is made when it is used first: its key is stored before the authority knows it, so that no
    /// account is lost.
    func account(_ lock: StorageLock) throws(AcmeError) -> SignedAccount {
        if let signed { return signed }
        var (account, key) = if let stored = try stored(lock) { stored } else { try make(lock) }
        try settle(&account, &key, lock)
        if account.url == nil {
            account.url = try client.register(key, contact: configuration.contact, binding: try binding())
            try write(account, lock)
            logger.notice("acme: account \(visibleText(account.url ?? "")) at \(name)")
        }
        let made = try SignedAccount(url: account.url ?? "", key: key)
        signed = made
        return made
    }

    /// The records that prove these names by dns-persist-01.
    func persistentRecords(for names: [String], _ lock: StorageLock) throws(AcmeError) -> [PersistentRecord] {
        PersistentRecord.records(for: names, authority: try client.identity(), account: try account(lock).url)
    }

    /// Replaces the key: the new one is stored before the authority has it, so that neither is lost.
    func rollOver(_ lock: StorageLock) throws(AcmeError) {
        let old = try account(lock)
        guard var (account, _) = try stored(lock) else { throw .local("the account is not stored") }
        let next = try newKey()
        account.nextKey = text(of: next)
        try write(account, lock)
        do throws(AcmeError) {
            try client.rollOver(to: next, old)
        } catch {
            // Without an answer it is found out before the next request which key it is.
            signed = nil
            throw error
        }
        account.key = text(of: next)
        account.nextKey = nil
        try write(account, lock)
        signed = try SignedAccount(url: old.url, key: next)
    }

    /// Finds out which of two keys an account has, after a replacement that was interrupted.
    private func settle(_ account: inout StoredAccount, _ key: inout SigningKey, _ lock: StorageLock) throws(AcmeError)
    {
        guard let text = account.nextKey else { return }
        if let next = try? SigningKey(pem: Array(text.utf8), passphrase: passphrase) {
            do throws(AcmeError) {
                _ = try client.register(next, contact: [], binding: nil, onlyExisting: true)
                (account.key, key) = (text, next)
            } catch {
                // The authority does not know the new key.
                guard case .refused = error else { throw error }
            }
        }
        account.nextKey = nil
        try write(account, lock)
    }

    private func newKey() throws(AcmeError) -> SigningKey {
        do throws(TLSError) {
            return try SigningKey(.ecdsaP256)
        } catch {
            throw .local(error.description)
        }
    }

    private func text(of key: SigningKey) -> String {
        let phrase = passphrase.map { String(decoding: $0, as: UTF8.self) }
        return String(decoding: key.pem(passphrase: phrase), as: UTF8.self)
    }

    private func stored(_ lock: StorageLock) throws(AcmeError) -> (StoredAccount, SigningKey)? {
        guard let text = try storage.read(accountKey) else { return nil }
        let reason: String
        if let account = try? JSONDecoder().decode(StoredAccount.self, from: Data(text)) {
            do throws(TLSError) {
                let key = try SigningKey(pem: Array(account.key.utf8), passphrase: passphrase)
                if account.directory == configuration.directory { return (account, key) }
                reason = "it is of another authority, \(visibleText(account.directory))"
            } catch {
                reason = error.description
            }
        } else {
            reason = "it is no account"
        }
        let place = try storage.setAside(accountKey, lock)
        logger.warning("acme: \(storage.place)/\(accountKey) cannot be used and is now \(place): \(reason)")
        return nil
    }

    /// The next request registers another one.
    func forgetAccount(_ lock: StorageLock) throws(AcmeError) {
        signed = nil
        _ = try storage.setAside(accountKey, lock)
    }

    private func make(_ lock: StorageLock) throws(AcmeError) -> (StoredAccount, SigningKey) {
        let key = try newKey()
        let account = StoredAccount(directory: configuration.directory, key: text(of: key))
        try write(account, lock)
        return (account, key)
    }

    private func write(_ account: StoredAccount, _ lock: StorageLock) throws(AcmeError) {
        try storage.write(account.encoded, to: accountKey, lock)
    }

    private var passphrase: [UInt8]? { configuration.storageKeyFile.map { Passphrase.line(files[$0] ?? []) } }

    private func binding() throws(AcmeError) -> (keyID: String, secret: [UInt8])? {
        guard let binding = configuration.binding else { return nil }
        let text = String(decoding: Passphrase.line(files[binding.keyFile] ?? []), as: UTF8.self)
        guard let secret = Base64URL.decode(text.replacing("=", with: "")), !secret.isEmpty else {
            throw .local("\(binding.keyFile): expected a key in base64 for URLs in its first line")
        }
        return (binding.keyID, secret)
    }
}

extension CertificateRecord {
    /// Nil for bytes that are no record.
    init?(stored bytes: [UInt8]) {
        guard let record = try? JSONDecoder().decode(CertificateRecord.self, from: Data(bytes)) else { return nil }
        self = record
    }

    var encoded: [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }
}
