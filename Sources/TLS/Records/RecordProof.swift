import COpenSSL
import Memory

/// Proves for one connection that no record of the gateway gets a sequence number that OpenSSL has used: the records
/// that OpenSSL wrote during the handshake are opened with the keys that the gateway will use.
enum RecordProof {
    /// The maximum number of records of a handshake that are tried; a long chain in the smallest records has fewer.
    private static let mostRecords = 64

    /// The keys of the gateway's records, with the number of the first one.
    ///
    /// Numbers increase by one, so the last record that OpenSSL has protected has the highest number used. It opens
    /// under that number if the keys are those in use; if it opens under none of the possible numbers, nothing has been
    /// sent with these keys yet. A server has used them only for what it sent after the client's Finished; a client,
    /// which sends its own Finished last, has not used them at all.
    ///
    /// - Returns: nil when it cannot be proved, and OpenSSL has to keep the records.
    static func keys(
        behind written: borrowing ProtectedRecords, by role: RecordOpener.Role, under logged: borrowing LoggedSecret,
        _ cipher: RecordCipher, contexts: ConnectionContexts
    ) -> RecordKeys? {
        // Each side of TLS 1.3 has protected at least its Finished.
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
        return withTemporaryBytes(count) { plain in
            defer { plain.wipe() }
            return record.withBytes { record in
                keys.decrypt(record, into: plain)
            }
        }
    }
}
