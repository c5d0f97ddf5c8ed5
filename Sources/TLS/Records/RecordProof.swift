import COpenSSL

/// Shows for one connection that no record of ours gets a number that OpenSSL has used: what OpenSSL wrote during the
/// handshake is opened with the keys that ours will have.
enum RecordProof {
    /// How many records of a handshake are looked through at most; a long chain in the smallest records has fewer.
    private static let mostRecords = 64

    /// The keys of our records, with the number of the first one.
    ///
    /// Numbers go up by one, so the last record that OpenSSL has protected has the highest of those used. It opens
    /// under that number if the keys are those that are in use; if it opens under none that it can have, nothing has
    /// been sent with these keys yet. A server has used them for what it sent behind the client's Finished, and for
    /// nothing else; a client, which sends its own Finished last, for nothing.
    ///
    /// - Returns: nil when it cannot be shown, and OpenSSL is to keep the records.
    static func keys(
        behind written: borrowing ProtectedRecords, by role: RecordOpener.Role, under logged: borrowing LoggedSecret,
        _ cipher: RecordCipher, contexts: ConnectionContexts
    ) -> RecordKeys? {
        // Whoever speaks TLS 1.3 has protected its Finished at least.
        guard written.isWhole, written.count > 0, written.count <= mostRecords,
            let secret = TrafficSecret(logged, cipher),
            var keys = RecordKeys(secret, sequence: 0, contexts: contexts.opening)
        else { return nil }
        let expected = role == .server ? written.countSinceAnswer : 0
        var used = 0
        for number in 0..<written.count where used == 0 {
            keys.restart(at: UInt32(number))
            if opens(written.last, &keys) { used = number + 1 }
        }
        guard used == expected else {
            keys.forget()
            return nil
        }
        return keys.moved(to: contexts.sealing, sequence: UInt32(expected))
    }

    private static func opens(_ record: [UInt8], _ keys: inout RecordKeys) -> Bool {
        let count = record.count - RecordHeader.size - RecordHeader.tag
        guard count > 0 else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { plain in
            defer { unsafe OPENSSL_cleanse(plain.baseAddress, plain.count) }
            return unsafe record.withUnsafeBytes { record in
                unsafe keys.decrypt(record, into: plain.baseAddress!)
            }
        }
    }
}
