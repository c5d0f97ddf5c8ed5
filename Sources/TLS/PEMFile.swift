import COpenSSL
import Transport

/// A block of a PEM file, decoded from base64 (RFC 7468); wiped when it is given back, as it may be a private key.
@safe
final class PEMBlock {
    enum Kind: Equatable {
        case certificate, key, encryptedKey, revocationList, other
    }

    let kind: Kind
    private let start: UnsafeMutablePointer<UInt8>
    private let count: Int

    fileprivate init(label: String, header: String, start: UnsafeMutablePointer<UInt8>, count: Int) {
        kind = Self.kind(label: label, header: header)
        unsafe self.start = start
        self.count = count
    }

    deinit {
        unsafe COpenSSL_clear_free(start, count)
    }

    private static func kind(label: String, header: String) -> Kind {
        switch label {
        case "CERTIFICATE", "X509 CERTIFICATE": .certificate
        case "X509 CRL": .revocationList
        case "ENCRYPTED PRIVATE KEY": .encryptedKey
        // The header is that of RFC 1421 §4.6.1.1: `Proc-Type: 4,ENCRYPTED`.
        case _ where label.hasSuffix("PRIVATE KEY"):
            // Hardly any key has a header, and to search one takes its time.
            !header.isEmpty && header.contains("ENCRYPTED") ? .encryptedKey : .key
        default: .other
        }
    }

    /// The DER encoding; for certificates, not for keys, since nobody wipes it.
    var bytes: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

    /// Hands the DER encoding to a parser of OpenSSL's d2i family.
    func parse<Value>(_ parser: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Value?) -> Value? {
        var position: UnsafePointer<UInt8>? = unsafe UnsafePointer(start)
        return unsafe parser(&position, count)
    }
}

enum PEMFile {
    /// Every block in file order; empty for text without any.
    ///
    /// - Throws: `TLSError` when a block is damaged: cut short, or not base64.
    static func blocks(of text: [UInt8]) throws(TLSError) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        var failure: TLSError?
        unsafe withMemoryBIO(over: text.withoutByteOrderMark) { source in
            while true {
                var label: UnsafeMutablePointer<CChar>?
                var header: UnsafeMutablePointer<CChar>?
                var start: UnsafeMutablePointer<UInt8>?
                var count = 0
                guard unsafe PEM_read_bio(source, &label, &header, &start, &count) == 1, let label = unsafe label,
                    let header = unsafe header, let start = unsafe start
                else { break }
                unsafe blocks.append(
                    PEMBlock(label: String(cString: label), header: String(cString: header), start: start, count: count)
                )
                unsafe COpenSSL_free(label)
                unsafe COpenSSL_free(header)
            }
            // The end of the file is reported as the lack of a further first line.
            if COpenSSL_error_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE {
                ERR_clear_error()
            } else {
                failure = TLSError("read PEM")
            }
        }
        if let failure { throw failure }
        return blocks
    }

    /// The same, with a damaged block as a problem of `file`.
    static func blocks(of text: [UInt8], in file: String) throws(CertificateProblem) -> [PEMBlock] {
        do throws(TLSError) {
            return try blocks(of: text)
        } catch {
            throw CertificateProblem(file, .damaged(error.reason))
        }
    }
}

func withMemoryBIO<Value>(over bytes: [UInt8], _ body: (OpaquePointer?) -> Value) -> Value {
    unsafe withMemoryBIO(over: bytes[...], body)
}

/// Calls `body` with a BIO that reads `bytes`.
func withMemoryBIO<Value>(over bytes: ArraySlice<UInt8>, _ body: (OpaquePointer?) -> Value) -> Value {
    unsafe bytes.withUnsafeBytes { buffer in
        let source = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count))
        defer { unsafe BIO_free(source) }
        return unsafe body(source)
    }
}
