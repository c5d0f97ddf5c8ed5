import CLinux
import Glibc

// Waiting without a peer.
extension Endpoint {
    /// An endpoint that receives nothing, on which a task can wait for a signal, a drain or a deadline; on the worker's
    /// thread. Nil if no descriptor could be created for it.
    package static func pausing(on worker: Worker) -> Endpoint? {
        let descriptor = Descriptor(adopting: CLinux_eventfd())
        guard descriptor.isOpen, let nowhere = SocketAddress("0.0.0.0:0") else { return nil }
        return open(descriptor, on: worker, local: nowhere, remote: nowhere)
    }
}
