import COpenSSL
import Memory
import Transport

/// A block of a PEM file, decoded from base64 (RFC 7468); wiped when it is freed, as it may be a private key.
final class PEMBlock {
    enum Kind: Equatable {
        case certificate, key, encryptedKey, revocationList, other
    }

    let kind: Kind
    /// The line in its file where it begins, from 1.
    let line: Int
    private let room: OwnedBytes
    private let count: Int

    /// - Parameter room: its first `count` bytes are the content.
    fileprivate init(_ kind: Kind, line: Int, _ room: consuming OwnedBytes, count: Int) {
        self.kind = kind
        self.line = line
        self.room = room
        self.count = count
    }

    deinit {
        room.room.wipe()
    }

    /// The DER encoding, valid as long as the block.
    var view: ByteView { room.view[..<count] }

    /// The same; for certificates, not for keys, since this copy is not wiped.
    var bytes: [UInt8] { Array(view) }
}

enum PEMFile {
    /// Every block in file order; empty for text without any.
    ///
    /// - Throws: the damaged block, or the actual format of the file.
    static func blocks(of text: [UInt8]) throws(PEMFault) -> [PEMBlock] {
        if let format = ForeignFormat.text(text) { throw format.fault }
        var blocks: [PEMBlock] = []
        for block in try PEMScanner.blocks(of: text) { blocks.append(try decode(block, text)) }
        if blocks.isEmpty, let format = ForeignFormat.binary(text) { throw format.fault }
        return blocks
    }

    /// The same, with the error as a problem of `file`.
    static func blocks(of text: [UInt8], in file: String) throws(CertificateProblem) -> [PEMBlock] {
        do throws(PEMFault) {
            return try blocks(of: text)
        } catch {
            throw CertificateProblem(file, .damaged(error.description))
        }
    }

    private static func decode(_ block: PEMScanner.Block, _ text: [UInt8]) throws(PEMFault) -> PEMBlock {
        let kind = try Self.kind(of: block)
        var decoder = Base64Lines(text, block)
        let isEncrypted = try decoder.skipHeader()
        let capacity = block.content.count / 4 * 3 + 3
        let room = OwnedBytes(count: capacity)
        do throws(PEMFault) {
            let count = try decoder.decode(into: room.room)
            return PEMBlock(kind == .key && isEncrypted ? .encryptedKey : kind, line: block.line, room, count: count)
        } catch {
            room.room.wipe()
            throw error
        }
    }

    private static func kind(of block: PEMScanner.Block) throws(PEMFault) -> PEMBlock.Kind {
        func refuse(_ reason: String) -> PEMFault { PEMFault(block.line, "a block \(block.label), \(reason)") }
        switch block.label {
        case "CERTIFICATE", "X509 CERTIFICATE": return .certificate
        case "X509 CRL": return .revocationList
        case "ENCRYPTED PRIVATE KEY": return .encryptedKey
        case "DH PARAMETERS", "X9.42 DH PARAMETERS", "EC PARAMETERS", "DSA PARAMETERS", "PUBLIC KEY", "RSA PUBLIC KEY",
            "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
            return .other
        case "TRUSTED CERTIFICATE":
            throw refuse("OpenSSL's own form; expected CERTIFICATE, as 'openssl x509 -in FILE' writes it")
        case "OPENSSH PRIVATE KEY":
            throw refuse("the form of OpenSSH; expected PRIVATE KEY, as 'ssh-keygen -p -m PKCS8 -f FILE' writes it")
        case "PKCS7", "PKCS #7 SIGNED DATA", "CMS":
            throw refuse(
                "which is PKCS #7; expected CERTIFICATE, as 'openssl pkcs7 -print_certs -in FILE' writes it")
        case let label where label.hasSuffix("PRIVATE KEY"): return .key
        default: throw refuse("which is not known; expected CERTIFICATE, PRIVATE KEY or X509 CRL")
        }
    }
}

/// The actual format of a file that should be PEM.
private enum ForeignFormat {
    case utf16
    case certificate, key, revocationList, pkcs12, pkcs7, javaKeyStore

    var fault: PEMFault {
        let text =
            switch self {
            case .utf16: "text in UTF-16; expected ASCII, as 'iconv -f UTF-16 -t ASCII FILE' writes it"
            case .certificate: "a certificate in DER; expected PEM, as 'openssl x509 -inform DER -in FILE' writes it"
            case .key: "a private key in DER; expected PEM, as 'openssl pkey -inform DER -in FILE' writes it"
            case .revocationList:
                "a revocation list in DER; expected PEM, as 'openssl crl -inform DER -in FILE' writes it"
            case .pkcs12: "a PKCS #12 archive; expected PEM, as 'openssl pkcs12 -nodes -in FILE' writes it"
            case .pkcs7:
                "PKCS #7 in DER; expected PEM, as 'openssl pkcs7 -inform DER -print_certs -in FILE' writes it"
            case .javaKeyStore: "a Java key store; expected PEM"
            }
        return PEMFault(nil, "holds \(text)")
    }

    /// Text in an encoding of more than one byte per character, in which no block would be found.
    static func text(_ bytes: [UInt8]) -> Self? {
        guard bytes.count >= 4 else { return nil }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return .utf16 }
        let isLittle = bytes[1] == 0 && bytes[3] == 0 && bytes[0] != 0 && bytes[2] != 0
        let isBig = bytes[0] == 0 && bytes[2] == 0 && bytes[1] != 0 && bytes[3] != 0
        return isLittle || isBig ? .utf16 : nil
    }

    static func binary(_ bytes: [UInt8]) -> Self? {
        defer { ERR_clear_error() }
        if bytes.starts(with: [0xFE, 0xED, 0xFE, 0xED]) { return .javaKeyStore }
        guard bytes.first == 0x30 else { return nil }
        return bytes.withBytes { bytes in
            /// Whether a parser of the d2i family accepts the file.
            func parses(
                _ parser: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?,
                _ free: (OpaquePointer?) -> Void
            ) -> Bool {
                let parsed = unsafe bytes.parse(parser)
                unsafe free(parsed)
                return unsafe parsed != nil
            }
            if bytes.certificate != nil { return .certificate }
            if bytes.revocationList != nil { return .revocationList }
            if unsafe parses({ unsafe d2i_PKCS12(nil, $0, $1) }, { unsafe PKCS12_free($0) }) { return .pkcs12 }
            let isPKCS7 = unsafe bytes.parse { position, count in
                guard let parsed = unsafe d2i_PKCS7(nil, position, count) else { return false }
                unsafe PKCS7_free(parsed)
                return true
            }
            if isPKCS7 == true { return .pkcs7 }
            if bytes.privateKey != nil { return .key }
            // An encrypted key of PKCS #8 has the form of a signature's value.
            return unsafe parses({ unsafe d2i_X509_SIG(nil, $0, $1) }, { unsafe X509_SIG_free($0) }) ? .key : nil
        }
    }
}
