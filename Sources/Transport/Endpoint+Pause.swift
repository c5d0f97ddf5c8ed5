import CLinux
import Glibc

// Waiting without a peer.
extension Endpoint {
    /// An endpoint that nothing comes from: a place for a task to wait for a signal, a drain or a deadline; on the
    /// worker's thread. Nil when there is no descriptor for it.
    package static func pausing(on worker: Worker) -> Endpoint? {
        let descriptor = CLinux_eventfd()
        guard descriptor >= 0, let nowhere = SocketAddress("0.0.0.0:0") else { return nil }
        if let endpoint = open(descriptor, on: worker, local: nowhere, remote: nowhere) { return endpoint }
        Glibc.close(descriptor)
        return nil
    }
}
