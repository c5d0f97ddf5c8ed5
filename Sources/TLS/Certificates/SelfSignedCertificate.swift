import COpenSSL

/// A certificate that is its own issuer, for a machine whose clients are told to trust it.
package struct SelfSignedCertificate: Sendable {
    /// PEM.
    package let chain: [UInt8]
    /// PEM, without a passphrase.
    package let key: [UInt8]

    /// Makes a P-256 key and a certificate for it.
    ///
    /// - Parameters:
    ///   - names: host names and addresses; at least one.
    ///   - days: how long it is valid. Browsers refuse more than 398 days.
    ///
    /// Nil when OpenSSL does not accept a name.
    package init?(names: [String], days: Int) {
        guard let first = names.first, names.allSatisfy(Self.isName), let key = COpenSSL_EC_gen("P-256"),
            let certificate = X509_new()
        else { return nil }
        let list = names.map { ($0.contains(":") || Self.isIPv4($0) ? "IP:" : "DNS:") + $0 }.joined(separator: ",")
        X509_set_version(certificate, 2)
        COpenSSL_X509_set_validity(certificate, days * 86_400)
        guard COpenSSL_X509_set_names(certificate, first, list) == 1, X509_set_pubkey(certificate, key) == 1,
            X509_sign(certificate, key, EVP_sha256()) > 0
        else { return nil }
        chain = BIO.bytes { PEM_write_bio_X509($0, certificate) }
        self.key = BIO.bytes { COpenSSL_PEM_write_key($0, key) }
        guard !chain.isEmpty, !self.key.isEmpty else { return nil }
    }

    /// OpenSSL's list of names is text, in which a comma would begin another name.
    private static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-.:*_".utf8.contains(byte)
            }
    }

    private static func isIPv4(_ name: String) -> Bool {
        name.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
    }
}
