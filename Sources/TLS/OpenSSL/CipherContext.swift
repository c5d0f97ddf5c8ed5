import COpenSSL
import Memory

/// A cipher as its provider implements it (provider-cipher(7)).
///
/// EVP asks the provider for the length of the nonce each time it is given one, which costs as much as encrypting a
/// short record. It is a part of OpenSSL's interface for providers, and `RecordTrial` proves at the start that records
/// made with it are those of the protocol; without it OpenSSL makes the records.
@safe
struct CipherImplementation: Sendable {
    /// Never freed.
    nonisolated(unsafe) fileprivate let functions: UnsafePointer<COpenSSL_cipher>
    /// Keeps the provider.
    private let cipher: EVP_CIPHER

    /// - Returns: nil if no provider has the cipher, or one that cannot be used without EVP.
    init?(named name: String) {
        guard let cipher = EVP_CIPHER_fetch(nil, name, nil) else { return nil }
        let found = UnsafeMutablePointer<COpenSSL_cipher>.allocate(capacity: 1)
        guard unsafe COpenSSL_cipher_find(cipher, found) == 1 else {
            unsafe found.deallocate()
            return nil
        }
        unsafe functions = UnsafePointer(found)
        self.cipher = cipher
    }
}

/// A reference to a context of a cipher; not counted, and valid until its owner, a `RecordContexts`, frees it.
@safe
struct CipherContext: BitwiseCopyable {
    private let functions: UnsafePointer<COpenSSL_cipher>
    private let pointer: UnsafeMutableRawPointer

    /// The size of the nonce of every cipher of TLS 1.3, in bytes.
    private static let nonceSize = 12

    /// A new context; nil when there is no memory for it.
    init?(_ cipher: CipherImplementation) {
        unsafe functions = cipher.functions
        guard let made = unsafe functions.pointee.new_context(functions.pointee.provider) else { return nil }
        unsafe pointer = made
    }

    /// Wipes the key and frees the context: no reference to it may be used afterwards.
    @unsafe func uncheckedFree() { unsafe functions.pointee.free_context(pointer) }

    /// - Parameter key: as long as the cipher's keys are.
    func setKey(_ key: ByteView, isSealing: Bool) -> Bool {
        let begin = unsafe isSealing ? functions.pointee.encrypt_init : functions.pointee.decrypt_init
        return unsafe begin!(pointer, key.octets, key.count, nil, 0, nil) == 1
    }

    /// Begins to encrypt with the key.
    ///
    /// - Parameter nonce: twelve bytes.
    @inline(__always)
    func beginSealing(_ nonce: ByteView) -> Bool {
        precondition(nonce.count == Self.nonceSize)
        return unsafe functions.pointee.encrypt_init(pointer, nil, 0, nonce.octets, Self.nonceSize, nil) == 1
    }

    /// Begins to decrypt with the key.
    @inline(__always)
    func beginOpening(_ nonce: ByteView) -> Bool {
        precondition(nonce.count == Self.nonceSize)
        return unsafe functions.pointee.decrypt_init(pointer, nil, 0, nonce.octets, Self.nonceSize, nil) == 1
    }

    /// Encrypts or decrypts `count` bytes, which may be in place.
    ///
    /// - Parameter output: nil for bytes that are authenticated only.
    @unsafe @inline(__always)
    func update(_ output: UnsafeMutablePointer<UInt8>?, _ input: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
        unsafe COpenSSL_cipher_update(functions, pointer, output, input, count) == 1
    }

    /// Ends the encryption, and writes the tag.
    @unsafe @inline(__always)
    func finishSealing(_ tag: UnsafeMutablePointer<UInt8>, _ count: Int) -> Bool {
        unsafe COpenSSL_cipher_final(functions, pointer) == 1
            && COpenSSL_cipher_get_tag(functions, pointer, tag, count) == 1
    }

    /// Ends the decryption: whether this is the tag.
    @unsafe @inline(__always)
    func finishOpening(_ tag: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        unsafe COpenSSL_cipher_set_tag(functions, pointer, tag, count) == 1
            && COpenSSL_cipher_final(functions, pointer) == 1
    }
}
