import COpenSSL
import Synchronization

/// Which side handles the records of TLS 1.3 in this process, and whether OpenSSL behaves as required for that.
package enum RecordProtection {
    /// Why OpenSSL keeps all records: the failure of the trial handshakes in memory; nil when there was none. The first
    /// access runs the trial.
    package static let failure: String? = RecordTrial.failure()

    private static let refusals = Atomic(0)
    private static let listener = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// How many connections were left to OpenSSL because it could not be proved that the gateway's records would be
    /// right.
    package static var refused: Int { refusals.load(ordering: .relaxed) }

    /// Sets `report` to be called with a sentence for the operator at the first such connection.
    package static func onFirstRefusal(_ report: @escaping @Sendable (String) -> Void) {
        listener.withLock { $0 = report }
    }

    static func noteRefusal() {
        guard refusals.add(1, ordering: .relaxed).oldValue == 0 else { return }
        let report = listener.withLock { $0 }
        report?(
            "\(TLSLibrary.version) did not show the keys and numbers of its records: those of this connection, and of "
                + "others like it, stay with OpenSSL")
    }

    /// One line for the operator.
    package static var summary: String {
        if let failure { return "TLS 1.3 records: OpenSSL's, since \(failure)" }
        let count = refused
        return count == 0
            ? "TLS 1.3 records: isagate's" : "TLS 1.3 records: isagate's, but OpenSSL's on \(count) connections"
    }
}
