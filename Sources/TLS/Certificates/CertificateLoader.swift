/// Makes a set of certificates out of their description: reads, checks and tries everything before anything is used.
package struct CertificateLoader: Sendable {
    private let readFile: FileReader
    private let readKey: FileReader
    private let chains: ChainReader
    private let now: Timestamp

    /// - Parameters:
    ///   - readKey: for private keys, passphrases and ticket keys.
    ///   - chains: may have parsed ahead what `readFile` reads.
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

    /// Loads all certificates; what did not change since `previous` is taken over from it without being parsed.
    ///
    /// - Parameter isPreviousAccepted: whether what is wrong with a certificate of `previous`, such as that it has
    ///   expired meanwhile, is a warning, so that it does not keep others from being renewed.
    /// - Throws: everything that is wrong; `previous` is as good as before.
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

    /// Reads the certificates and reports what they are, also of those with problems.
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
