import COpenSSL
import Memory
import Transport

/// The source and destination of OpenSSL's records of one session.
package class RecordChannel {
    /// What the handshake reveals about the records after it; nil once it is complete.
    final var handshakeRecords: HandshakeRecords? = HandshakeRecords()
    /// Whether the peer has finished sending.
    final var sawEnd = false

    func receiveRecords(into buffer: MutableByteView) -> IOResult { .end }

    /// Sends or buffers what OpenSSL writes: records, or pieces of them; false when the connection is gone.
    func sendRecords(_ records: ByteView) -> Bool { false }

    /// Wipes the secrets of the handshake.
    final func endHandshakeRecords() {
        handshakeRecords?.wipe()
        handshakeRecords = nil
    }
}
