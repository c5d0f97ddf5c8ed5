import COpenSSL
import Memory

extension ByteView {
    /// The content of a value of ASN.1, valid as long as the value; empty for nil.
    @unsafe init(unchecked string: UnsafePointer<ASN1_STRING>?) {
        guard let string = unsafe string else {
            self.init()
            return
        }
        unsafe self.init(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
    }

    /// Passes the bytes to a parser of OpenSSL's d2i family.
    func parse<Value>(_ parser: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Value?) -> Value? {
        var position = unsafe octets
        return unsafe parser(&position, count)
    }

    var certificate: X509? { unsafe parse { unsafe d2i_X509(nil, $0, $1) } }
    var revocationList: X509_CRL? { unsafe parse { unsafe d2i_X509_CRL(nil, $0, $1) } }
    var privateKey: EVP_PKEY? { unsafe parse { unsafe d2i_AutoPrivateKey(nil, $0, $1) } }

    /// SHA-256.
    package var digest: [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        digest.withMutableBytes { _ = unsafe SHA256(octets, count, $0.octets) }
        return digest
    }

    /// SHA-1, for names that a protocol makes with it.
    fileprivate var sha1: [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        digest.withMutableBytes { _ = unsafe SHA1(octets, count, $0.octets) }
        return digest
    }
}

extension MutableByteView {
    /// Overwrites key material in a way that the compiler does not optimize away.
    func wipe() { unsafe OPENSSL_cleanse(baseAddress, count) }

    /// Fills the bytes with random ones; false when the system gives none.
    func randomize() -> Bool { unsafe RAND_bytes(octets, Int32(count)) == 1 }
}

extension [UInt8] {
    /// SHA-1 in hexadecimal digits, as Redis names scripts; not for anything that has to resist collisions.
    package var sha1Text: String {
        let digits = Array<UInt8>("0123456789abcdef".utf8)
        let text = withBytes { $0.sha1 }.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// Overwrites key material before its memory is freed.
    mutating func wipe() { withMutableBytes { $0.wipe() } }

    /// The bytes before the first zero, as a text that a function of C has written.
    var textBeforeZero: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }

    /// The digest that a function writes into the bytes, whose length it stores; empty when it fails.
    static func digest(_ make: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>) -> Int32) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let isMade = digest.withMutableBytes { unsafe make($0.octets, &count) } == 1
        return isMade ? Array(digest.prefix(Int(count))) : []
    }
}

/// Overwrites key material in a way that the compiler does not optimize away.
func wipe<Value: AnyBits>(_ value: inout Value) { BytesOfValues.withMutable(&value) { $0.wipe() } }
