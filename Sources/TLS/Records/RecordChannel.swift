import COpenSSL
import Transport

/// Where OpenSSL's records of one session come from and go to.
package class RecordChannel {
    /// What the handshake shows of the records behind it; nil once it is over.
    final var handshakeRecords: HandshakeRecords? = HandshakeRecords()
    /// Whether the peer has finished sending.
    final var sawEnd = false

    func receiveRecords(into buffer: UnsafeMutableRawBufferPointer) -> IOResult { .end }

    /// Sends or holds what OpenSSL writes: records, or pieces of them; false when the connection is gone.
    func sendRecords(_ records: UnsafeRawBufferPointer) -> Bool { false }

    /// Forgets the secrets of the handshake.
    final func endHandshakeRecords() {
        handshakeRecords?.wipe()
        handshakeRecords = nil
    }
}
