import CLinux
import Glibc
import Synchronization
import Transport

/// A thread that runs one worker's loop, with every signal blocked: signals belong to the main thread.
@safe
final class WorkerThread: @unchecked Sendable {
    let worker: Worker
    private var thread = pthread_t()
    private let onEnd: @Sendable () -> Void

    init(_ worker: Worker, onEnd: @escaping @Sendable () -> Void) {
        self.worker = worker
        self.onEnd = onEnd
    }

    func start() {
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(&thread, nil, workerMain, reference)
        precondition(status == 0, "a worker thread can be created: \(systemMessage(status))")
    }

    func join() {
        pthread_join(thread, nil)
    }

    fileprivate func main() {
        unsafe CLinux_set_thread_name("worker-\(worker.index)")
        worker.run()
        onEnd()
    }
}

private let workerMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
    unsafe Unmanaged<WorkerThread>.fromOpaque(reference!).takeRetainedValue().main()
    return nil
}
