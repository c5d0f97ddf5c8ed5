import COpenSSL

extension X509Certificate {
    /// Every certificate of a PEM file with authorities; at least one.
    ///
    /// - Parameter judged: whose certificates they verify, for messages about the file.
    static func authorities(
        in text: [UInt8], file: String, for judged: CertificateProblem.Judged
    ) throws(CertificateProblem) -> [X509Certificate] {
        let blocks: [PEMBlock]
        do throws(PEMFault) {
            blocks = try PEMFile.blocks(of: text)
        } catch {
            throw CertificateProblem(file, .invalidAuthorities(judged, error.description))
        }
        var certificates: [X509Certificate] = []
        for block in blocks where block.kind == .certificate {
            guard let parsed = block.view.certificate else {
                let reason = "line \(block.line): not a valid certificate: \(TLSError("read certificate").reason)"
                throw CertificateProblem(file, .invalidAuthorities(judged, reason))
            }
            certificates.append(X509Certificate(parsed))
        }
        guard !certificates.isEmpty else {
            throw CertificateProblem(
                file,
                .invalidAuthorities(judged, "expected a PEM block that begins with -----BEGIN CERTIFICATE-----"))
        }
        return certificates
    }
}
