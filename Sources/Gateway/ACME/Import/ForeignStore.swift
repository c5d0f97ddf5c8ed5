import ACME
import FoundationEssentials
import TLS

/// What another client of ACME has stored: accounts, and certificates with their keys.
struct ForeignStore: Sendable {
    struct Account: Sendable {
        let file: String
        /// Of the authority's directory, as `authorityKey` makes it.
        let authority: String
        let url: String
        /// In PEM.
        let key: [UInt8]
    }

    struct Certificate: Sendable {
        let file: String
        /// Of the authority's directory, as `authorityKey` makes it; nil if nothing tells.
        let authority: String?
        /// In PEM.
        let chain: [UInt8]
        let key: [UInt8]
    }

    /// What could not be read, and why.
    struct Problem: Error, Sendable, Equatable {
        let file: String
        let reason: String
    }

    var accounts: [Account] = []
    var certificates: [Certificate] = []
    var problems: [Problem] = []

    enum Kind: String, Sendable {
        case certbot, caddy
    }

    /// Files and folders that are looked at; a store with more is not one of a single machine.
    static let entryLimit = 100_000

    /// A text that is the same for the URL of a directory however a client stores it: Caddy has the host and the path in one
    /// name, certbot in several.
    static func authorityKey(_ url: String) -> String {
        var rest = url[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let name = rest.split(separator: "/").joined(separator: "-").lowercased()
        return name.replacing(":", with: "-")
    }

    /// - Throws: if there is no such store.
    static func read(_ kind: Kind, _ folder: String) throws(Problem) -> ForeignStore {
        switch kind {
        case .certbot: try certbot(folder)
        case .caddy: try caddy(folder)
        }
    }

    // MARK: Reading

    /// The names in a folder in their order; none if there is no such folder.
    static func names(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().prefix(entryLimit).map { $0 }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func text(_ path: String) throws(Problem) -> [UInt8] {
        do throws(CertificateProblem) {
            return try CertificateFileSystem.read(path)
        } catch {
            throw Problem(file: path, reason: error.description)
        }
    }

    static func document<Value: Decodable>(_ type: Value.Type, _ path: String, _ what: String) throws(Problem) -> Value
    {
        let text = try text(path)
        guard let value = try? JSONDecoder().decode(type, from: Data(text)) else {
            throw Problem(file: path, reason: "it is not \(what)")
        }
        return value
    }

    /// Adds what is read, or why it is not.
    mutating func add(_ body: (inout ForeignStore) throws(Problem) -> Void) {
        do throws(Problem) { try body(&self) } catch { problems.append(error) }
    }
}
