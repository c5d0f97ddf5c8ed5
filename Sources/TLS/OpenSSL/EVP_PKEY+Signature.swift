import COpenSSL
import Memory

extension EVP_PKEY {
    /// OpenSSL's name for the type of key.
    var typeName: String? { unsafe EVP_PKEY_get0_type_name(self).map { unsafe String(cString: $0) } }

    /// A signature; nil when OpenSSL cannot make it.
    ///
    /// - Parameter digest: nil for the hash that the key is made for.
    func signature(of text: ByteView, _ digest: EVP_MD? = nil) -> [UInt8]? {
        guard let operation = unsafe EVP_MD_CTX_new() else { return nil }
        defer { unsafe EVP_MD_CTX_free(operation) }
        var count = 0
        guard unsafe EVP_DigestSignInit(operation, nil, digest, nil, self) == 1,
            unsafe EVP_DigestSign(operation, nil, &count, text.octets, text.count) == 1
        else { return nil }
        var signature = [UInt8](repeating: 0, count: count)
        let isMade = signature.withMutableBytes {
            unsafe EVP_DigestSign(operation, $0.octets, &count, text.octets, text.count) == 1
        }
        return isMade ? Array(signature.prefix(count)) : nil
    }

    /// Whether the signature of `text` was made with the private key.
    func verifies(_ signature: ByteView, of text: ByteView) -> Bool {
        guard let operation = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(operation) }
        return unsafe EVP_DigestVerifyInit(operation, nil, nil, nil, self) == 1
            && EVP_DigestVerify(operation, signature.octets, signature.count, text.octets, text.count) == 1
    }
}
