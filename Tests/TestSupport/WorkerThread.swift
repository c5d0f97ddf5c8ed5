import Glibc
import Transport

/// Lends a worker that runs on a separate thread, and stops it afterwards; remaining connections are aborted.
package func withWorker<Result>(
    mappings: FileMappings? = nil, _ body: (Worker) async throws -> Result
) async throws -> Result {
    let worker = try Worker(index: 0, mappings: mappings)
    let thread = WorkerThread(worker)
    thread.start()
    defer { thread.stop() }
    return try await body(worker)
}

extension Worker {
    /// Runs `body` as a task of this worker and returns its result.
    package func run<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Task(executorPreference: self, operation: body).value
    }
}

@safe
private final class WorkerThread: @unchecked Sendable {
    private let worker: Worker
    private var thread = pthread_t()

    init(_ worker: Worker) {
        self.worker = worker
    }

    func start() {
        let reference = unsafe Unmanaged.passRetained(worker).toOpaque()
        let status = unsafe pthread_create(&thread, nil, runWorker, reference)
        precondition(status == 0, "a thread can be created")
    }

    func stop() {
        worker.perform {
            $0.abortConnections()
            $0.stop()
        }
        pthread_join(thread, nil)
    }
}

private let runWorker: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
    unsafe Unmanaged<Worker>.fromOpaque(reference!).takeRetainedValue().run()
    return nil
}
