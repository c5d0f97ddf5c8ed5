import Synchronization

/// Our end of one stream of a connection that carries several at a time: no socket, but the place where the stream's
/// task waits. Whoever has the connection says what it is ready for.
///
/// It serves one stream after the other, each from `begin` to `close`.
@safe
package final class StreamEndpoint: WaitingEndpoint, @unchecked Sendable {
    private let isConnected = Atomic(false)
    /// Counts the streams served, for what another thread asks of one that is gone.
    private let life = Atomic<UInt64>(0)
    /// Bytes of content that have left for the peer, and that have come from it.
    private var sentCount: UInt64 = 0
    private var receivedCount: UInt64 = 0

    /// A place on the worker of `carrier`, with its addresses.
    package init(on carrier: WaitingEndpoint) {
        super.init(
            carrier.worker, local: carrier.localAddress, remote: carrier.remoteAddress, isWritable: false)
    }

    /// Makes ready for another stream.
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

    /// The stream is over; nobody waits here until the next one begins.
    package func close() {
        life.add(1, ordering: .relaxed)
        isConnected.store(false, ordering: .releasing)
        worker.removeDeadline(of: self)
    }

    // MARK: What the connection's owner says

    /// Whether content, or its end, is there to be read.
    package var mayRead: Bool {
        get { isReadable }
        set {
            isReadable = newValue
            if newValue { resumeIfSatisfied() }
        }
    }

    /// Whether there is room for more of the response.
    package var maySend: Bool {
        get { isWritable }
        set {
            isWritable = newValue
            if newValue { resumeIfSatisfied() }
        }
    }

    package func noteSent(_ count: Int) { sentCount += UInt64(count) }

    package func noteReceived(_ count: Int) { receivedCount += UInt64(count) }

    /// The stream has been reset, or its connection is gone: every wait ends.
    package func hangUp() {
        isConnected.store(false, ordering: .releasing)
        isHungUp = true
        peerFinished = true
        isReadable = true
        isWritable = true
        resumeIfSatisfied()
    }

    /// The gateway stops at once.
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
