import Synchronization
import TLS

/// The TLS handshakes that one worker has completed, by what they have negotiated.
///
/// The lock is the worker's own but while its numbers are read; a handshake costs a thousand times as much.
final class HandshakeMetrics: Sendable {
    private let counted = Mutex<[HandshakeFacts: Int]>([:])

    func record(_ facts: HandshakeFacts) {
        counted.withLock { $0[facts, default: 0] += 1 }
    }

    var counts: [HandshakeFacts: Int] { counted.withLock { $0 } }
}
