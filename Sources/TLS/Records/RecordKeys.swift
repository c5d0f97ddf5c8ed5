import COpenSSL
import Memory

/// The keys of one direction of a TLS 1.3 connection: a traffic secret, the key and the IV derived from it, and the
/// sequence number of the next record (RFC 8446 §5.3, §7.3).
///
/// It cannot be copied: with a copy two records would have the same number, which reveals their content.
@safe
struct RecordKeys: ~Copyable {
    private var secret: TrafficSecret
    private var key = InlineArray<32, UInt8>(repeating: 0)
    /// The initialization vector in network order: four bytes, and eight that are combined with the record's number.
    private var vectorStart: UInt32 = 0
    private var vectorEnd: UInt64 = 0
    private(set) var sequence: UInt32
    private var contexts: RecordContexts
    private var reservation = RecordContexts.Reservation()

    /// - Parameters:
    ///   - sequence: the number of the next record.
    ///   - contexts: those of the direction that the keys are for.
    /// - Returns: nil when OpenSSL cannot derive keys from `secret`.
    init?(_ secret: consuming TrafficSecret, sequence: UInt32, contexts: RecordContexts) {
        self.secret = secret
        self.sequence = sequence
        self.contexts = contexts
        guard derive() else { return nil }
    }

    /// The same keys in the contexts of the other direction, from record `sequence` on.
    consuming func moved(to contexts: RecordContexts, sequence: UInt32) -> RecordKeys {
        self.contexts.end(reservation)
        reservation = RecordContexts.Reservation()
        self.contexts = contexts
        self.sequence = sequence
        return self
    }

    /// Overwrites the secret, the key, and the context that has the key.
    mutating func forget() {
        contexts.end(reservation)
        wipe(&key)
        secret.forget()
    }

    /// The context with the key of these records; nil when OpenSSL cannot set it.
    @inline(__always)
    mutating func context() -> CipherContext? {
        contexts.context(of: reservation) ?? keyContext()
    }

    /// The nonce of the next record.
    @inline(__always)
    var nonce: (UInt32, UInt32, UInt32) {
        let counted = vectorEnd ^ UInt64(sequence).bigEndian
        return (vectorStart, UInt32(truncatingIfNeeded: counted), UInt32(truncatingIfNeeded: counted >> 32))
    }

    /// The next record has been sealed or opened.
    @inline(__always)
    mutating func count() {
        sequence += 1
    }

    /// The last record counted does not exist: it is destroyed, and was never shown to anybody.
    mutating func uncount() {
        precondition(sequence > 0, "no record has been sealed")
        sequence -= 1
    }

    /// Sets the number of the next record back, to determine which number a record has; for keys that only open.
    mutating func restart(at number: UInt32) {
        sequence = number
    }

    /// Continues with the next generation of keys, whose first record has number 0 (RFC 8446 §7.2).
    mutating func advance() -> Bool {
        guard secret.advance(by: contexts.expander), derive() else { return false }
        sequence = 0
        contexts.end(reservation)
        reservation = RecordContexts.Reservation()
        return true
    }

    private mutating func derive() -> Bool {
        var vector = InlineArray<12, UInt8>(repeating: 0)
        let (size, expander) = (secret.cipher.keySize, contexts.expander)
        defer {
            wipe(&vector)
            expander.forget(secret.cipher)
        }
        guard
            BytesOfValues.withMutable(&key, { secret.expand("key", into: $0[..<size], by: expander) }),
            BytesOfValues.withMutable(&vector, { secret.expand("iv", into: $0, by: expander) })
        else { return false }
        vectorStart = BytesOfValues.load(UInt32.self, from: vector)
        vectorEnd = BytesOfValues.load(UInt64.self, from: vector, at: 4)
        return true
    }

    @inline(never)
    private mutating func keyContext() -> CipherContext? {
        let keyed = BytesOfValues.with(key) {
            contexts.key(secret.cipher, with: $0.prefix(secret.cipher.keySize), replacing: reservation)
        }
        guard let keyed = keyed else { return nil }
        reservation = keyed.reservation
        return keyed.context
    }
}
