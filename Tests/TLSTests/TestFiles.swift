import Synchronization

@testable import TLS

/// Files in memory, and how often each was read.
final class TestFiles: Sendable {
    private let state = Mutex((contents: [String: [UInt8]](), reads: [String: Int]()))

    subscript(path: String) -> [UInt8]? {
        get { state.withLock { $0.contents[path] } }
        set { state.withLock { $0.contents[path] = newValue } }
    }

    func reads(of path: String) -> Int { state.withLock { $0.reads[path] ?? 0 } }

    /// Stores a certificate at the paths of `files(_:)`.
    func add(_ name: String, _ issued: TestAuthority.Issued, issuers: [TestAuthority] = []) {
        self["\(name).pem"] = issued.certificate + issuers.flatMap(\.pem)
        self["\(name).key"] = issued.key
    }

    func loader(at now: Timestamp = .now) -> CertificateLoader {
        let read: FileReader = { path throws(CertificateProblem) in
            let bytes = self.state.withLock { state in
                state.reads[path, default: 0] += 1
                return state.contents[path]
            }
            guard let bytes else { throw CertificateProblem(path, .unreadable("No such file or directory")) }
            return bytes
        }
        return CertificateLoader(readFile: read, readKey: read, now: now)
    }
}

func files(_ name: String) -> CertificateFiles {
    CertificateFiles(chain: "\(name).pem", key: "\(name).key")
}

/// A listener with one site for each list of hosts and its certificates.
func listener(
    _ sites: [(hosts: [String], certificates: [String])], policy: TLSPolicy = TLSPolicy(),
    unknownNames: TLSListenerDescription.UnknownNames = .answeredByDefault, ticketKeys: String? = nil
) -> TLSListenerDescription {
    TLSListenerDescription(
        name: "secure", policy: policy, unknownNames: unknownNames, ticketKeys: ticketKeys,
        sites: sites.map { site in
            SiteDescription(
                hosts: site.hosts.map { ServerNamePattern($0) }, policy: policy,
                certificates: site.certificates.map { files($0) })
        })
}

extension CertificateLoader {
    /// The problems, one line for each.
    func problems(_ listeners: TLSListenerDescription...) -> [String] {
        do throws(CertificateProblems) {
            _ = try load(listeners)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}
