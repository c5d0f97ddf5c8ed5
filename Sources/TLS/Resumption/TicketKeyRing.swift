import COpenSSL
import Glibc
import Memory
import Synchronization

/// The ticket keys of one listener, used by all its workers and kept when its certificates are replaced.
package final class TicketKeyRing: Sendable {
    private let keys: Mutex<TicketKeys>
    private let rotates: Bool
    private let clock: @Sendable () -> Timestamp

    /// Keys generated here and replaced every 12 hours, by the monotonic clock.
    package convenience init() {
        self.init(clock: monotonicSeconds)
    }

    init(clock: @escaping @Sendable () -> Timestamp) {
        keys = Mutex(TicketKeys(at: clock()))
        rotates = true
        self.clock = clock
    }

    /// Keys that were read from a file and do not change.
    init(_ fixed: TicketKeys) {
        keys = Mutex(fixed)
        rotates = false
        clock = monotonicSeconds
    }

    /// Whether the keys are the ring's own, not those of a file.
    var isOwn: Bool { rotates }

    var current: TicketKey {
        keys.withLock { keys in
            if rotates { keys.rotate(at: clock()) }
            return keys.keys[0]
        }
    }

    func find(_ name: [UInt8]) -> (key: TicketKey, isCurrent: Bool)? {
        keys.withLock { keys in
            if rotates { keys.rotate(at: clock()) }
            return keys.find(name)
        }
    }
}

@Sendable
private func monotonicSeconds() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec))
}

/// Passes the keys for a ticket to OpenSSL (SSL_CTX_set_tlsext_ticket_key_evp_cb): AES-256-CBC, then HMAC-SHA-256.
///
/// Returns 1 for a key to use, 2 for one whose ticket has to be renewed, 0 for none.
let ticketKeyCallback:
    @convention(c) (
        SSL?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?, Int32
    ) -> Int32 = { session, name, vector, cipher, authenticator, isEncrypting in
        guard let ring = Negotiation.of(session)?.store.tickets else { return 0 }
        let name = unsafe MutableByteView(start: name, count: 16)
        let vector = unsafe MutableByteView(start: vector, count: TicketCipher.vectorSize)
        if isEncrypting == 1 {
            let key = ring.current
            key.name.withBytes { name.copy($0) }
            guard vector.randomize(),
                unsafe TicketCipher.shared.begin(cipher, authenticator, key, vector: vector.view, encrypting: true)
            else { return -1 }
            return 1
        }
        guard let (key, isCurrent) = ring.find(Array(name.view)) else { return 0 }
        guard unsafe TicketCipher.shared.begin(cipher, authenticator, key, vector: vector.view, encrypting: false)
        else { return -1 }
        return isCurrent ? 1 : 2
    }

/// The algorithms of tickets, looked up once.
private struct TicketCipher: Sendable {
    static let shared = TicketCipher()
    static let vectorSize = 16

    private let cipher = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)

    func begin(
        _ context: OpaquePointer?, _ authenticator: OpaquePointer?, _ key: TicketKey, vector: ByteView, encrypting: Bool
    ) -> Bool {
        key.bytes.withBytes { bytes in
            let (authentication, encryption) = (bytes[16..<48], bytes[48...])
            let mode: Int32 = encrypting ? 1 : 0
            return unsafe EVP_CipherInit_ex2(context, cipher, encryption.octets, vector.octets, mode, nil) == 1
                && COpenSSL_MAC_set_hmac_sha256_key(authenticator, authentication.octets, authentication.count) == 1
        }
    }
}
