import ACME
import Synchronization
import TLS

/// Replaces what sites have of certificates that are ordered by what there is: the stored certificates that can be
/// served, and a placeholder for the names that none of them is for.
///
/// The gateway's start and reloads never fail because of a certificate that it looks after itself.
struct AcmeMaterial {
    let readFile: FileReader
    let now: TLS.Timestamp
    /// Why stored certificates are not served.
    private(set) var problems: [String] = []

    init(readFile: @escaping FileReader, at now: TLS.Timestamp) {
        self.readFile = readFile
        self.now = now
    }

    mutating func resolve(_ listeners: [TLSListenerDescription]) -> [TLSListenerDescription] {
        guard listeners.flatMap(\.sites).flatMap(\.certificates).contains(where: { $0.role != .configured }) else {
            return listeners
        }
        return listeners.map { listener in
            var listener = listener
            for index in listener.sites.indices {
                listener.sites[index].certificates.removeAll { $0.role == .issued && !isUsable($0) }
            }
            return listener
        }
    }

    private mutating func isUsable(_ files: CertificateFiles) -> Bool {
        guard let text = try? readFile(files.chain) else { return false }
        do throws(CertificateProblem) {
            let passphrase = try files.passphrase.map { path throws(CertificateProblem) in
                Passphrase.line(try readFile(path))
            }
            if let problem = try CertificateContents(text, passphrase: passphrase, file: files.chain, at: now).problem {
                throw problem
            }
            return true
        } catch {
            if !problems.contains(error.description) { problems.append(error.description) }
            return false
        }
    }

    /// Reads files, and makes placeholders, whose paths are no paths of files.
    static func reader(_ readFile: @escaping FileReader) -> FileReader {
        { path throws(CertificateProblem) in
            guard path.hasPrefix(placeholderPrefix) else { return try readFile(path) }
            return try PlaceholderCertificates.shared.text(for: path)
        }
    }

    static let placeholderPrefix = "self-signed placeholder for "

    static func placeholder(for names: [String], waits: Bool) -> CertificateFiles {
        let path = placeholderPrefix + names.joined(separator: ", ")
        var files = CertificateFiles(chain: path, key: path)
        files.role = .placeholder(waits: waits)
        return files
    }
}

/// The placeholders of this process: one for each list of names, so that a reload changes none.
private final class PlaceholderCertificates: Sendable {
    static let shared = PlaceholderCertificates()
    private let made = Mutex<[String: [UInt8]]>([:])
    /// Beyond this number, which only very many reloads with other names reach, all are made again.
    private static let limit = 10_000

    func text(for path: String) throws(CertificateProblem) -> [UInt8] {
        if let text = made.withLock({ $0[path] }) { return text }
        let names = path.dropFirst(AcmeMaterial.placeholderPrefix.count).split(separator: ", ").map(String.init)
        do throws(AcmeError) {
            let text = try OwnCertificate.placeholder(for: names, at: TLS.Timestamp.now.seconds)
            made.withLock { made in
                if made.count >= Self.limit { made = [:] }
                made[path] = text
            }
            return text
        } catch {
            throw CertificateProblem(path, .unreadable(error.message))
        }
    }
}

/// The first line of a file with a secret.
enum Passphrase {
    static func line(_ text: [UInt8]) -> [UInt8] { Array(text.prefix { $0 != 0x0A && $0 != 0x0D }) }
}
