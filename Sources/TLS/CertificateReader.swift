import COpenSSL
import Synchronization

/// Turns the files of certificates into identities, reusing what an earlier reading made of the same content.
final class CertificateReader: Sendable {
    private let readFile: FileReader
    private let readKey: FileReader
    private let generation: Int
    private let earlier: [ContentDigest: CertificateIdentity]
    /// Issuers by the digest of their encoding: thousands of certificates share a few of them.
    private let issuers: Mutex<[ContentDigest: X509Certificate]>
    private let decoders = PrivateKeyDecoders()

    /// - Parameter readKey: for private keys and passphrases.
    init(
        readFile: @escaping FileReader, readKey: @escaping FileReader, generation: Int,
        earlier: [ContentDigest: CertificateIdentity]
    ) {
        self.readFile = readFile
        self.readKey = readKey
        self.generation = generation
        self.earlier = earlier
        var issuers: [ContentDigest: X509Certificate] = [:]
        for identity in earlier.values {
            for issuer in identity.issuers { issuers[ContentDigest(issuer.encoded)] = issuer }
        }
        self.issuers = Mutex(issuers)
    }

    struct Reading: Sendable {
        var digest: ContentDigest
        var identity: CertificateIdentity
    }

    /// - Throws: the first problem with a file; what the certificate says is not judged here.
    func read(_ files: CertificateFiles) throws(CertificateProblem) -> Reading {
        let chain = try readFile(files.chain)
        var key = files.key == files.chain ? chain : try readKey(files.key)
        defer { key.wipe() }
        var passphrase: [UInt8] = []
        if let path = files.passphrase { passphrase = Array(try readKey(path).prefix { $0 != 0x0A && $0 != 0x0D }) }
        defer { passphrase.wipe() }

        let digest = ContentDigest(chain, key, passphrase)
        if let identity = earlier[digest] { return Reading(digest: digest, identity: identity) }
        let certificates = try parseChain(chain, file: files.chain)
        let parsed = try parseKey(
            key, of: certificates[0], files: files, passphrase: files.passphrase == nil ? nil : passphrase)
        guard unsafe X509_check_private_key(certificates[0].pointer, parsed.pointer) == 1 else {
            ERR_clear_error()
            throw CertificateProblem(files.key, .keyMismatch(chain: files.chain))
        }
        let identity = CertificateIdentity(
            certificate: certificates[0], issuers: Array(certificates.dropFirst()), key: parsed,
            generation: generation)
        return Reading(digest: digest, identity: identity)
    }

    private func parseChain(_ text: [UInt8], file: String) throws(CertificateProblem) -> [X509Certificate] {
        let blocks = try blocks(of: text, file: file).filter { $0.kind == .certificate }
        if blocks.isEmpty { throw CertificateProblem(file, .noCertificate) }
        var certificates: [X509Certificate] = []
        for block in blocks {
            let certificate = certificates.isEmpty ? parse(block) : issuer(block)
            guard let certificate else {
                let reason = TLSError("read certificate").reason
                throw CertificateProblem(file, .invalidCertificate(position: certificates.count + 1, reason: reason))
            }
            certificates.append(certificate)
        }
        return certificates
    }

    private func parse(_ block: PEMBlock) -> X509Certificate? {
        let parsed = unsafe block.parse { position, count in unsafe d2i_X509(nil, position, count) }
        guard let parsed = unsafe parsed else { return nil }
        return unsafe X509Certificate(parsed)
    }

    /// An issuer that was read before is not parsed again.
    private func issuer(_ block: PEMBlock) -> X509Certificate? {
        let digest = ContentDigest(block.bytes)
        if let known = issuers.withLock({ $0[digest] }) { return known }
        guard let parsed = parse(block) else { return nil }
        return issuers.withLock { issuers in
            // Another thread may have read it meanwhile.
            let certificate = issuers[digest] ?? parsed
            issuers[digest] = certificate
            return certificate
        }
    }

    private func parseKey(
        _ text: [UInt8], of certificate: X509Certificate, files: CertificateFiles, passphrase: [UInt8]?
    ) throws(CertificateProblem) -> PrivateKey {
        let blocks = try blocks(of: text, file: files.key).filter { $0.kind == .key || $0.kind == .encryptedKey }
        guard let block = blocks.first else { throw CertificateProblem(files.key, .noKey) }
        if blocks.count > 1 { throw CertificateProblem(files.key, .severalKeys) }
        do throws(TLSError) {
            if block.kind == .key { return try PrivateKey.read(block, like: certificate, decoders) }
        } catch {
            throw CertificateProblem(files.key, .invalidKey(error.reason))
        }
        guard let file = files.passphrase, let passphrase else {
            throw CertificateProblem(files.key, .passphraseMissing)
        }
        do throws(TLSError) {
            return try PrivateKey.decrypt(text, passphrase: passphrase)
        } catch {
            throw CertificateProblem(files.key, .wrongPassphrase(passphraseFile: file))
        }
    }

    private func blocks(of text: [UInt8], file: String) throws(CertificateProblem) -> [PEMBlock] {
        do throws(TLSError) {
            return try PEMFile.blocks(of: text)
        } catch {
            throw CertificateProblem(file, .damaged(error.reason))
        }
    }
}
