import COpenSSL

/// SHA-256 of some bytes, to recognize the same content.
package struct ContentDigest: Hashable, Sendable {
    /// 32 of them.
    let bytes: [UInt8]

    /// The digest of all parts, each preceded by its length, so that different lists of parts have different digests.
    package init(_ parts: [UInt8]...) {
        var input: [UInt8] = []
        for part in parts {
            unsafe withUnsafeBytes(of: UInt64(part.count)) { unsafe input.append(contentsOf: $0) }
            input.append(contentsOf: part)
        }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        unsafe SHA256(input, input.count, &digest)
        input.wipe()
        bytes = digest
    }
}

extension [UInt8] {
    /// Overwrites key material before its memory is freed.
    mutating func wipe() {
        unsafe withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
