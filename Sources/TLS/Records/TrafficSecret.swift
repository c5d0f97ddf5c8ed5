import COpenSSL
import Memory

/// A secret that protects one side's records, until a key update (RFC 8446 §7.1).
@safe
struct TrafficSecret: ~Copyable {
    private var bytes = InlineArray<48, UInt8>(repeating: 0)
    let cipher: RecordCipher

    /// - Returns: nil when `bytes` does not have the length of this cipher's secrets.
    init?(_ bytes: [UInt8], _ cipher: RecordCipher) {
        self.cipher = cipher
        guard bytes.count == cipher.secretSize else { return nil }
        for index in bytes.indices { self.bytes[index] = bytes[index] }
    }

    /// - Returns: nil when `logged` does not have the length of this cipher's secrets.
    init?(_ logged: borrowing LoggedSecret, _ cipher: RecordCipher) {
        self.cipher = cipher
        guard logged.count == cipher.secretSize else { return nil }
        bytes = logged.bytes
    }

    mutating func forget() {
        wipe(&bytes)
    }

    /// Fills `output` by HKDF-Expand-Label with an empty context (RFC 8446 §7.1); false when OpenSSL cannot.
    func expand(_ label: StaticString, into output: MutableByteView, by expander: LabelExpander) -> Bool {
        BytesOfValues.with(bytes) { expander.expand(label, of: $0[..<cipher.secretSize], cipher, into: output) }
    }

    /// Continues with the next generation, from which the present one cannot be computed (RFC 8446 §7.2).
    mutating func advance(by expander: LabelExpander) -> Bool {
        var next = InlineArray<48, UInt8>(repeating: 0)
        defer { wipe(&next) }
        let size = cipher.secretSize
        let isDerived = BytesOfValues.withMutable(&next) { expand("traffic upd", into: $0[..<size], by: expander) }
        if isDerived { bytes = next }
        return isDerived
    }
}
