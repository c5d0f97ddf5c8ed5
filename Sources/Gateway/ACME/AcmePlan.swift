import ACME
import FoundationEssentials
import TLS

/// What the configuration wants to have looked after.
struct AcmePlan: Sendable {
    let issuers: [String: AcmeConfiguration]
    let certificates: [Certificate]
    /// The storages that are shared, by their folder.
    let shared: [String: SharedStorageConfiguration]
    /// Files of the configuration, which were read with the rights of the supervisor.
    let files: [String: [UInt8]]

    struct Certificate: Sendable, Equatable {
        let use: AcmeUse
        /// The folder that it is stored in.
        let storage: String
        let storageKeyFile: String?

        /// The name of its entries.
        var label: String { "certificates/\(use.label)" }
    }

    init(_ configuration: Configuration, files: [String: [UInt8]]) {
        let issuers = Dictionary(configuration.acme.map { ($0.name, $0) }) { first, _ in first }
        self.issuers = issuers
        self.files = files
        var seen: [String: Int] = [:]
        var certificates: [Certificate] = []
        for site in configuration.sites {
            for use in site.certificates.compactMap(\.acme) {
                guard let issuer = use.issuers.first.flatMap({ issuers[$0] }) else { continue }
                let one = Certificate(use: use, storage: issuer.storage, storageKeyFile: issuer.storageKeyFile)
                let key = "\(one.storage)/\(one.label)"
                if seen[key] == nil {
                    seen[key] = certificates.count
                    certificates.append(one)
                }
            }
        }
        self.certificates = certificates
        shared = Dictionary(
            configuration.acme.compactMap { issuer in issuer.sharedStorage.map { (issuer.storage, $0) } }
        ) { first, _ in first }
    }

    var isEmpty: Bool { certificates.isEmpty }

    /// The folders that are used: also those in which records of domains may be left that are to be removed.
    var storages: Set<String> {
        Set(certificates.map(\.storage) + issuers.values.filter { $0.dns != nil }.map(\.storage))
    }

    /// Whether any of them may be proved by http-01.
    var usesHTTP: Bool { !isEmpty && issuers.values.contains { $0.challenges.contains(.http) } }
}

extension Configuration {
    /// Programs for dns-01 that could not be run, for this account.
    var programWarnings: [String] {
        acme.compactMap { issuer in
            guard let program = issuer.dns?.command.first, !FileManager.default.isExecutableFile(atPath: program) else {
                return nil
            }
            return "acme.\(issuer.name).dns: \(program) is not there, or this account may not run it"
        }
    }
}
