import COpenSSL
import Transport

/// Builds identities from the files of certificates, reusing objects of an earlier reading of the same content.
final class CertificateReader: Sendable {
    private let readFile: FileReader
    private let readKey: FileReader
    private let generation: Int
    private let earlier: [ContentDigest: CertificateIdentity]
    private let chains: ChainReader
    private let decoders = PrivateKeyDecoders()

    /// - Parameter readKey: for private keys and passphrases.
    init(
        readFile: @escaping FileReader, readKey: @escaping FileReader, chains: ChainReader, generation: Int,
        earlier: [ContentDigest: CertificateIdentity]
    ) {
        self.readFile = readFile
        self.readKey = readKey
        self.generation = generation
        self.earlier = earlier
        self.chains = chains
        chains.know(earlier.values.flatMap(\.issuers))
    }

    struct Reading: Sendable {
        var digest: ContentDigest
        var identity: CertificateIdentity
    }

    /// - Throws: the first problem with a file; the content of the certificate is not checked here.
    func read(_ files: CertificateFiles) throws(CertificateProblem) -> Reading {
        let chain = try readFile(files.chain)
        var key = files.key == files.chain ? chain : try readKey(files.key)
        defer { key.wipe() }
        var passphrase: [UInt8] = []
        if let path = files.passphrase {
            passphrase = Array(try readKey(path).withoutByteOrderMark.prefix { $0 != 0x0A && $0 != 0x0D })
        }
        defer { passphrase.wipe() }

        let digest = ContentDigest(chain, key, passphrase)
        if let identity = earlier[digest] { return Reading(digest: digest, identity: identity) }
        let certificates = try chains.chain(in: chain, of: files.chain)
        let parsed = try parseKey(
            key, of: certificates[0], files: files, passphrase: files.passphrase == nil ? nil : passphrase)
        guard X509_check_private_key(certificates[0].object, parsed.object) == 1 else {
            ERR_clear_error()
            throw CertificateProblem(files.key, .keyMismatch(chain: files.chain))
        }
        let identity = CertificateIdentity(
            certificate: certificates[0], issuers: Array(certificates.dropFirst()), key: parsed,
            generation: generation)
        return Reading(digest: digest, identity: identity)
    }

    private func parseKey(
        _ text: [UInt8], of certificate: X509Certificate, files: CertificateFiles, passphrase: [UInt8]?
    ) throws(CertificateProblem) -> PrivateKey {
        let blocks = try PEMFile.blocks(of: text, in: files.key).filter { $0.kind == .key || $0.kind == .encryptedKey }
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
}
