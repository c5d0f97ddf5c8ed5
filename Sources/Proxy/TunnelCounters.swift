import HTTP
import Synchronization

/// Bytes and number of the tunnels to one server, of all workers together and across reloads.
package final class TunnelCounters: Sendable {
    private let open = Atomic(0)
    private let toServer = Atomic<UInt64>(0)
    private let toClients = Atomic<UInt64>(0)

    package struct Counts: Equatable, Sendable {
        /// Tunnels open now.
        package var open = 0
        /// Bytes since the gateway started.
        package var toServer: UInt64 = 0
        package var toClients: UInt64 = 0
    }

    package var counts: Counts {
        Counts(
            open: open.load(ordering: .relaxed), toServer: toServer.load(ordering: .relaxed),
            toClients: toClients.load(ordering: .relaxed))
    }

    func opened() {
        open.add(1, ordering: .relaxed)
    }

    /// Adds the difference between `tally` and `counted`.
    func add(_ tally: SuccessionTally, beyond counted: SuccessionTally) {
        toServer.add(tally.fromClient - counted.fromClient, ordering: .relaxed)
        toClients.add(tally.toClient - counted.toClient, ordering: .relaxed)
    }

    func closed() {
        open.subtract(1, ordering: .relaxed)
    }
}
