import CLinux
import Glibc

// Waiting without a peer.
extension Endpoint {
    /// An endpoint that nothing comes from: a place for a task to wait for a signal, a drain or a deadline; on the
    /// worker's thread. Nil when there is no descriptor for it.
    package static func pausing(on worker: Worker) -> Endpoint? {
        let descriptor = Descriptor(adopting: CLinux_eventfd())
        guard descriptor.isOpen, let nowhere = SocketAddress("0.0.0.0:0") else { return nil }
        return open(descriptor, on: worker, local: nowhere, remote: nowhere)
    }
}
