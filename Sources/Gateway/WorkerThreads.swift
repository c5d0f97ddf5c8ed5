import CLinux
import Glibc
import ISAPI
import Synchronization
import Transport

/// The two threads of a worker: one runs its loop, the other is its relief.
///
/// Every signal is blocked on them: signals belong to the main thread.
@safe
final class WorkerThreads: @unchecked Sendable {
    let worker: Worker
    private var threads: [pthread_t] = []
    /// The thread on which the loop ended.
    private let lastThread = Mutex<pthread_t?>(nil)
    private let onEnd: @Sendable () -> Void

    init(_ worker: Worker, onEnd: @escaping @Sendable () -> Void) {
        self.worker = worker
        self.onEnd = onEnd
    }

    func start() {
        unsafe startThread(runnerMain)
        unsafe startThread(reliefMain)
    }

    private func startThread(_ main: ThreadMain) {
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, main, reference)
        precondition(status == 0, "a worker thread can be created: \(systemMessage(status))")
        threads.append(thread)
    }

    /// Waits for the thread on which the loop ended, and for the other one unless it is inside an extension that does
    /// not return: a thread's memory of OpenSSL must be freed before the process ends.
    ///
    /// - Parameter limit: how long extensions may take for the notification of the end of a thread.
    func join(within limit: Duration) {
        let last = lastThread.withLock { $0 }
        let seconds = max(Self.patience, Int(limit.components.seconds))
        for thread in threads { joinOrDetach(thread, within: thread == last ? seconds : Self.patience) }
        threads = []
    }

    private func joinOrDetach(_ thread: pthread_t, within seconds: Int) {
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += seconds
        if unsafe CLinux_join_until(thread, &deadline) != 0 { pthread_detach(thread) }
    }

    /// Seconds for a thread that only has to notice that the loop has ended.
    private static let patience = 1

    fileprivate func main(_ serve: (Worker) -> Bool) {
        unsafe CLinux_set_thread_name("worker-\(worker.index)")
        CLinux_guard_stack()
        let isLast = serve(worker)
        if isLast {
            lastThread.withLock { $0 = pthread_self() }
            onEnd()
        }
        // A join of this thread waits for this call no longer than extensions may take.
        EntryPointCalls.threadEnds()
    }
}

private typealias ThreadMain = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

private let runnerMain: ThreadMain = { reference in
    unsafe Unmanaged<WorkerThreads>.fromOpaque(reference!).takeRetainedValue().main { $0.run() }
    return nil
}

private let reliefMain: ThreadMain = { reference in
    unsafe Unmanaged<WorkerThreads>.fromOpaque(reference!).takeRetainedValue().main { $0.relieve() }
    return nil
}
