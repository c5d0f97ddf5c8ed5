import Memory

/// What a certificate in memory says, and whether it could be served, before it is written to a file.
package struct CertificateContents: Sendable {
    /// DNS names in lower case, and addresses.
    package let names: [String]
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    /// Hexadecimal digits in upper case.
    package let serial: String
    package let keyType: KeyType
    /// The issuer of the last certificate of the chain.
    package let root: String
    /// The certificate itself, DER encoded.
    package let encoded: [UInt8]
    /// Why it would not be served; nil when it would.
    package let problem: CertificateProblem?

    /// - Parameters:
    ///   - text: the chain and the key in PEM.
    ///   - passphrase: of a key that is encrypted.
    ///   - file: for messages.
    /// - Throws: why it cannot be read.
    package init(_ text: [UInt8], passphrase: [UInt8]?, file: String, at now: Timestamp) throws(CertificateProblem) {
        let secret = file + ": passphrase"
        let files = CertificateFiles(chain: file, key: file, passphrase: passphrase == nil ? nil : secret)
        let reader: FileReader = { path throws(CertificateProblem) in path == secret ? passphrase ?? [] : text }
        let identity = try CertificateReader(
            readFile: reader, readKey: reader, chains: ChainReader(), generation: 0, earlier: [:]
        ).read(files).identity
        let certificate = identity.certificate
        names = certificate.names
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        serial = certificate.serial
        keyType = certificate.keyType
        root = (identity.issuers.last ?? certificate).issuer
        encoded = certificate.encoded
        problem = identity.lastingProblems(files).first ?? identity.validityProblems(files, at: now).first
    }
}
