import Synchronization

/// The gateway's end of one stream of a multiplexed connection. It has no socket: the stream's task waits on it, and
/// the owner of the connection sets its readiness.
///
/// It serves one stream after another, each from `begin` to `close`.
@safe
package final class StreamEndpoint: WaitingEndpoint, @unchecked Sendable {
    private let isConnected = Atomic(false)
    /// The number of streams served, by which another thread detects that its stream has ended.
    private let life = Atomic<UInt64>(0)
    /// The numbers of content bytes sent to the peer, and received from it.
    private var sentCount: UInt64 = 0
    private var receivedCount: UInt64 = 0

    /// An endpoint on the worker of `carrier`, with its addresses.
    package init(on carrier: WaitingEndpoint) {
        super.init(
            carrier.worker, local: carrier.localAddress, remote: carrier.remoteAddress, isWritable: false)
    }

    /// Prepares for another stream.
    package func begin() {
        isReadable = false
        isWritable = true
        peerFinished = false
        isHungUp = false
        sentCount = 0
        receivedCount = 0
        life.add(1, ordering: .relaxed)
        isConnected.store(true, ordering: .releasing)
        forgetSignal()
    }

    /// Ends the stream; no task waits on this endpoint until the next stream begins.
    package func close() {
        life.add(1, ordering: .relaxed)
        isConnected.store(false, ordering: .releasing)
        worker.removeDeadline(of: self)
    }

    // MARK: Use without a task

    /// Notifies `keeper` of every event, until `stopKeeping`.
    package func keep(by keeper: any EndpointKeeper) { setKeeper(keeper) }

    package func stopKeeping() { setKeeper(nil) }

    // MARK: State set by the connection's owner

    /// Whether content, or its end, can be read.
    package var mayRead: Bool {
        get { isReadable }
        set {
            isReadable = newValue
            if newValue { resumeIfSatisfied() }
        }
    }

    /// Whether more of the response can be sent.
    package var maySend: Bool {
        get { isWritable }
        set {
            isWritable = newValue
            if newValue { resumeIfSatisfied() }
        }
    }

    package func noteSent(_ count: Int) { sentCount += UInt64(count) }

    package func noteReceived(_ count: Int) { receivedCount += UInt64(count) }

    /// The stream has been reset, or its connection has failed: every wait ends.
    package func hangUp() {
        isConnected.store(false, ordering: .releasing)
        isHungUp = true
        peerFinished = true
        isReadable = true
        isWritable = true
        resumeIfSatisfied()
    }

    /// The gateway stops immediately.
    package func stop() { abort() }

    // MARK: The peer

    package override var progress: (acknowledged: UInt64, received: UInt64)? { (sentCount, receivedCount) }

    package override var isPeerConnected: Bool { isConnected.load(ordering: .acquiring) }

    package override func disconnect() {
        isConnected.store(false, ordering: .releasing)
        let known = life.load(ordering: .relaxed)
        worker.perform { _ in
            if self.life.load(ordering: .relaxed) == known { self.hangUp() }
        }
    }
}
