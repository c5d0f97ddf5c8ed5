import COpenSSL
import Dispatch
import Synchronization

/// Parses chains of certificates, each only once.
package final class ChainReader: Sendable {
    /// By the digest of their encoding: thousands of certificates share a few issuers.
    private let issuers = Mutex<[ContentDigest: X509Certificate]>([:])
    /// Chains that were parsed in advance, by the path of their file, until they are requested.
    private let parsed = Mutex<[String: [X509Certificate]]>([:])

    package init() {}

    /// Parses certificates on another thread while `body` runs, and no longer.
    ///
    /// Decoding a certificate is the most expensive part of loading it, and needs no configuration; decoding the
    /// configuration keeps only one processor busy. Problems with a file are reported when it is read later.
    ///
    /// - Parameter files: by path; the same bytes have to be passed to `chain(in:of:)`.
    package func parseAhead<Value, Failure: Error>(
        _ files: [String: [UInt8]], while body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let group = DispatchGroup()
        let isOver = Flag()
        DispatchQueue.global().async(group: group) {
            for (path, text) in files where text.starts(with: Self.beginning) {
                if isOver.value.load(ordering: .relaxed) { return }
                guard let chain = try? self.parse(text, path) else { continue }
                self.parsed.withLock { $0[path] = chain }
            }
        }
        defer {
            isOver.value.store(true, ordering: .relaxed)
            group.wait()
        }
        return try body()
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    private static let beginning = Array("-----BEGIN CERTIFICATE-----".utf8)

    /// Makes certificates in use available for issuers that are read again.
    func know(_ certificates: [X509Certificate]) {
        issuers.withLock { issuers in
            for certificate in certificates { issuers[ContentDigest(certificate.encoded)] = certificate }
        }
    }

    /// - Returns: at least one certificate, in the order of the file.
    func chain(in text: [UInt8], of file: String) throws(CertificateProblem) -> [X509Certificate] {
        if let chain = parsed.withLock({ $0.removeValue(forKey: file) }) { return chain }
        return try parse(text, file)
    }

    private func parse(_ text: [UInt8], _ file: String) throws(CertificateProblem) -> [X509Certificate] {
        let blocks = try PEMFile.blocks(of: text, in: file).filter { $0.kind == .certificate }
        if blocks.isEmpty { throw CertificateProblem(file, .noCertificate) }
        var certificates: [X509Certificate] = []
        for block in blocks {
            let certificate = certificates.isEmpty ? certificate(block) : issuer(block)
            guard let certificate else {
                let reason = TLSError("read certificate").reason
                throw CertificateProblem(
                    file, .invalidCertificate(position: certificates.count + 1, line: block.line, reason: reason))
            }
            certificates.append(certificate)
        }
        return certificates
    }

    private func certificate(_ block: PEMBlock) -> X509Certificate? {
        block.view.certificate.map { X509Certificate($0) }
    }

    private func issuer(_ block: PEMBlock) -> X509Certificate? {
        let digest = ContentDigest(block.bytes)
        if let known = issuers.withLock({ $0[digest] }) { return known }
        guard let parsed = certificate(block) else { return nil }
        return issuers.withLock { issuers in
            // Another thread may have read it meanwhile.
            let certificate = issuers[digest] ?? parsed
            issuers[digest] = certificate
            return certificate
        }
    }
}
