import CISAPI
import Synchronization

/// A request whose handler suspends: its task, and the end of both.
final class PendingRequest: Sendable {
    private let block: ControlBlock
    private let itsExtension: Extension
    private let state = Mutex(State.started)

    private enum State {
        case started
        /// The handler has suspended.
        case waiting(Task<Void, Never>)
        /// The control block belongs to the server again.
        case finished
    }

    init(_ block: ControlBlock, _ itsExtension: Extension) {
        self.block = block
        self.itsExtension = itsExtension
    }

    /// Runs the handler on the calling thread until it first suspends.
    func start(_ handler: @escaping Extension.AsyncHandler) {
        let task = Task.immediateDetached { [self] in await run(handler) }
        let isWaiting = state.withLock { state in
            guard case .started = state else { return false }
            state = .waiting(task)
            return true
        }
        if isWaiting { DisconnectWatch.shared.add(self) }
    }

    private func run(_ handler: Extension.AsyncHandler) async {
        let session = Session(block)
        let status: DWORD
        do {
            try await handler(Request(session), ResponseSender(session))
            status = session.finish(naming: itsExtension)
        } catch {
            status = session.fail(error, naming: itsExtension)
        }
        state.withLock { $0 = .finished }
        DisconnectWatch.shared.remove(self)
        block.finish(status)
    }

    /// Cancels the task if the client has disconnected.
    ///
    /// - Returns: whether the request continues, and has to be checked again.
    func checkClient() -> Bool {
        let (task, goesOn): (Task<Void, Never>?, Bool) = state.withLock { state in
            guard case .waiting(let task) = state else { return (nil, false) }
            // The block belongs to this request as long as the state is not `finished`.
            return block.isConnected ? (nil, true) : (task, false)
        }
        task?.cancel()
        return goesOn
    }
}

/// Detects disconnected clients of suspended requests, for which the contract has no event: checks once a second.
final class DisconnectWatch: Sendable {
    static let shared = DisconnectWatch()

    private static let interval = Duration.seconds(1)
    private let state = Mutex(State())

    private struct State {
        var requests: [ObjectIdentifier: PendingRequest] = [:]
        var isRunning = false
    }

    func add(_ request: PendingRequest) {
        let starts = state.withLock { state in
            state.requests[ObjectIdentifier(request)] = request
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { Task.detached { [self] in await run() } }
    }

    func remove(_ request: PendingRequest) {
        state.withLock { state in state.requests[ObjectIdentifier(request)] = nil }
    }

    /// Until there is no request left.
    private func run() async {
        while true {
            try? await Task.sleep(for: Self.interval)
            let requests = state.withLock { state in
                state.isRunning = !state.requests.isEmpty
                return Array(state.requests.values)
            }
            guard !requests.isEmpty else { return }
            for request in requests where !request.checkClient() { remove(request) }
        }
    }
}
