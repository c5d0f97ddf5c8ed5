/// Builds a set of certificates from its description: reads, checks and tries everything before anything is used.
package struct CertificateLoader: Sendable {
    private let readFile: FileReader
    private let readKey: FileReader
    private let chains: ChainReader
    private let now: Timestamp

    /// - Parameters:
    ///   - readKey: for private keys, passphrases and ticket keys.
    ///   - chains: may have parsed what `readFile` reads in advance.
    ///   - now: the time that certificates must be valid at.
    package init(
        readFile: @escaping FileReader = CertificateFileSystem.read,
        readKey: @escaping FileReader = CertificateFileSystem.read, chains: ChainReader = ChainReader(),
        now: Timestamp = .now
    ) {
        self.readFile = readFile
        self.readKey = readKey
        self.chains = chains
        self.now = now
    }

    /// Loads all certificates; those that did not change since `previous` are reused without being parsed.
    ///
    /// - Parameter isPreviousAccepted: whether a problem with a certificate of `previous`, such as that it has expired
    ///   meanwhile, is only a warning, so that it does not prevent the renewal of others.
    /// - Throws: all problems; `previous` is still usable.
    package func load(
        _ listeners: [TLSListenerDescription], replacing previous: CertificateSet? = nil,
        isPreviousAccepted: Bool = false
    ) throws(CertificateProblems) -> CertificateSet {
        var loading = CertificateLoading(
            readFile: readFile, readKey: readKey, chains: chains, now: now, previous: previous,
            isPreviousAccepted: isPreviousAccepted, listeners: listeners)
        let set = loading.build(listeners)
        if !loading.problems.isEmpty { throw CertificateProblems(problems: loading.problems) }
        return set
    }

    /// Reads the certificates and reports their data, also of those with problems.
    package func examine(
        _ listeners: [TLSListenerDescription]
    ) -> (reports: [CertificateReport], problems: [CertificateProblem]) {
        var loading = CertificateLoading(
            readFile: readFile, readKey: readKey, chains: chains, now: now, previous: nil, isPreviousAccepted: false,
            listeners: listeners)
        let set = loading.build(listeners)
        return (set.reports, loading.problems)
    }
}
