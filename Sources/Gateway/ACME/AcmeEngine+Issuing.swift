import ACME
import Logging
import TLS

/// What is done with a certificate that an authority has issued.
extension AcmeEngine {
    func key(of open: CertificateRecord.OpenOrder, _ entry: Entry) throws(AcmeError) -> SigningKey {
        do throws(TLSError) {
            return try SigningKey(pem: Array(open.key.utf8), passphrase: passphrase(entry.certificate))
        } catch {
            throw .local("the key of the order cannot be used: \(error.description)")
        }
    }

    /// Checks the certificate and stores it, where the supervisor notices it.
    func take(
        _ url: String, _ open: CertificateRecord.OpenOrder, _ record: inout CertificateRecord, _ entry: Entry,
        _ issuer: AcmeIssuer, _ account: SignedAccount, _ store: AcmeStore, _ lock: StorageLock
    ) throws(AcmeError) {
        let label = entry.certificate.label
        var (chain, alternates) = try issuer.client.certificate(at: url, account)
        var contents = try check(chain, open, entry)
        if let wanted = issuer.configuration.preferredChain, !contents.root.contains(wanted) {
            for alternate in alternates {
                guard let other = try? issuer.client.certificate(at: alternate, account).chain,
                    let read = try? check(other, open, entry), read.root.contains(wanted)
                else { continue }
                (chain, contents) = (other, read)
                break
            }
        }
        try store.storage.write(Array(open.key.utf8) + chain, to: label + ".pem", lock)
        record.noteIssued(
            by: issuer.name, names: open.order.names, serial: contents.serial, notBefore: contents.notBefore.seconds,
            notAfter: contents.notAfter.seconds, renewalID: RenewalIdentifier.make(of: contents.encoded),
            chance: .random(in: 0...1), at: now)
        tell(
            entry,
            .done("\(issuer.name) has issued a certificate: serial \(contents.serial), expires \(contents.notAfter)"))
        logger.notice(
            "acme: \(issuer.name) has issued a certificate for \(open.order.names.joined(separator: ", ")): serial \(contents.serial), expires \(contents.notAfter)"
        )
    }

    func check(
        _ chain: [UInt8], _ open: CertificateRecord.OpenOrder, _ entry: Entry
    ) throws(AcmeError) -> CertificateContents {
        let contents: CertificateContents
        do throws(CertificateProblem) {
            contents = try CertificateContents(
                Array(open.key.utf8) + chain, passphrase: passphrase(entry.certificate), file: "the new certificate",
                at: .now)
        } catch {
            throw .wrongCertificate(error.description)
        }
        if let problem = contents.problem { throw .wrongCertificate(problem.description) }
        guard Set(contents.names) == Set(open.order.names) else {
            throw .wrongCertificate("it is for \(visibleText(contents.names.prefix(5).joined(separator: ", ")))")
        }
        return contents
    }
}
