import Glibc

/// A timer of a worker that is not part of a wait; used on the worker's thread only.
@safe
package final class WorkerTimer: WaitingEndpoint, EndpointKeeper, TurnEndAction, @unchecked Sendable {
    /// When the timer fires; `never` if it is not set.
    package private(set) var due = Deadline.never
    private let action: () -> Void

    /// - Parameter action: called at the end of a turn of the loop, once for each time that the timer was set.
    package init(_ worker: Worker, _ action: @escaping () -> Void) {
        self.action = action
        let nobody = SocketAddress(sockaddr_storage())
        super.init(worker, local: nobody, remote: nobody, isWritable: false)
        setKeeper(self)
    }

    package func set(_ deadline: Deadline) {
        due = deadline
        worker.setDeadline(of: self, deadline)
    }

    /// Has to be called before the timer is released.
    package func cancel() {
        due = .never
        worker.removeDeadline(of: self)
    }

    package func endpointWokeUp() {
        if due <= worker.now { worker.atEndOfTurn(self) }
    }

    package func turnEnded() {
        guard due <= worker.now else { return }
        due = .never
        action()
    }
}
