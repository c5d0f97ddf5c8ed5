import COpenSSL

/// Maps server names to certificates on one listener; immutable.
///
/// Names are looked up exactly, then as a wildcard of one label (RFC 9525 §6.3); otherwise the listener's default
/// answers, also for clients that send no name, unless unknown names are rejected.
package final class CertificateStore: Sendable {
    /// The settings of a site on which certificates, names and policies depend.
    final class Site: Sendable {
        /// Its first host, which identifies it in messages.
        let label: String
        let context: TLSContext
        /// The session id context, which a session must have been created with to be resumed here: the site's hosts,
        /// its policy and its rules for client certificates; the same on every machine with the same configuration. 32
        /// bytes.
        let sessionContext: ContentDigest

        init(hosts: [ServerNamePattern], context: TLSContext) {
            label = hosts.first?.description ?? "*"
            self.context = context
            sessionContext = ContentDigest(
                Array(hosts.map(\.description).sorted().joined(separator: ",").utf8),
                Array(context.policy.canonicalText.utf8), context.key.clients?.digest.bytes ?? [])
        }
    }

    /// A certificate in use: its identity, its files, and its OCSP staple.
    struct Served: Sendable {
        let identity: CertificateIdentity
        let files: CertificateFiles
        let staple: OCSPStaple?

        var isPlaceholder: Bool { if case .placeholder = files.role { true } else { false } }
    }

    /// The certificates for a name: at most one of each kind of key.
    final class Answer: Sendable {
        let site: Site
        let certificates: [Served]

        /// Whether its names wait for their certificate, and handshakes are refused.
        let isWaiting: Bool

        init(site: Site, certificates: [Served]) {
            self.site = site
            self.certificates = certificates
            isWaiting = certificates.allSatisfy { $0.files.role == .placeholder(waits: true) }
        }
    }

    /// The context every handshake begins with.
    let initial: TLSContext
    /// Nil when unknown names are rejected.
    let fallback: Answer?
    let answers: ServerNameTable<Answer>
    let tickets: TicketKeyRing
    /// The number of the replacement of the gateway's certificates, from 1.
    package let generation: Int

    init(
        initial: TLSContext, answers: ServerNameTable<Answer>, fallback: Answer?, tickets: TicketKeyRing,
        generation: Int
    ) {
        self.initial = initial
        self.answers = answers
        self.fallback = fallback
        self.tickets = tickets
        self.generation = generation
    }

    /// - Parameter serverName: in lower case; nil when the client sent none.
    func answer(for serverName: String?) -> Answer? {
        serverName.flatMap { answers[$0] } ?? fallback
    }
}
