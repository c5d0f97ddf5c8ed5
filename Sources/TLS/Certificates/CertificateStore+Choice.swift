extension CertificateStore {
    /// What a client with a server name is shown.
    package struct Choice: Equatable, Sendable {
        /// The site by its first host.
        package let site: String
        /// The files of the chains, one for each kind of key.
        package let chains: [String]
    }

    /// - Parameter serverName: in lower case; nil for a client that sends none.
    /// - Returns: nil when the handshake is refused.
    package func choice(for serverName: String?) -> Choice? {
        answer(for: serverName).map { answer in
            Choice(site: answer.site.label, chains: answer.certificates.map(\.files.chain))
        }
    }
}
