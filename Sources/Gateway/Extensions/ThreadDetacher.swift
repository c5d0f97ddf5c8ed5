import Dispatch
import Glibc
import ISAPI
import Transport

/// Makes the threads that continue to exist call DllMain of a library a last time (DLL_THREAD_DETACH), before it is
/// unloaded.
///
/// The threads of a pool end before; those of a worker continue without the library. A worker has two threads, and only
/// the one that runs its loop can be reached: it keeps the lent loop until the other thread has taken it, which is then
/// reached in turn.
enum ThreadDetacher {
    /// How long threads may take, including the extension's own threads.
    private static let limit = DispatchTimeInterval.seconds(2)
    /// Microseconds before threads that could not be reached are tried again.
    private static let pause: UInt32 = 20_000

    /// False when threads have not left the library in time: it cannot be unloaded under them.
    static func detachThreads(of workers: [Worker], from module: ExtensionModule) -> Bool {
        let deadline = DispatchTime.now() + limit
        EntryPointCalls.endIdleWorkThreads()
        while module.threadCount > 0 {
            guard DispatchTime.now() < deadline else { return false }
            let tasks = workers.map { worker in
                let task = DetachTask(module)
                worker.perform { $0.lendAtEndOfTurn(to: task) }
                return task
            }
            for task in tasks { task.wait(until: deadline) }
            if module.threadCount > 0 { usleep(pause) }
        }
        return true
    }

    /// Two turns on a worker's lent loop, one on each of its threads.
    private final class DetachTask: LoopBorrower, @unchecked Sendable {
        private let module: ExtensionModule
        private let taken = DispatchSemaphore(value: 0)
        private let ended = DispatchSemaphore(value: 0)
        /// Changed by the thread that runs the loop.
        private var turns = 0
        /// The worker of the second turn.
        private weak var worker: Worker?

        init(_ module: ExtensionModule) {
            self.module = module
        }

        func wait(until deadline: DispatchTime) {
            _ = ended.wait(timeout: deadline)
        }

        func borrowLoop(of worker: Worker) -> Bool {
            // Without a relief, because that is inside an extension, this is tried again later.
            guard worker.canLend || turns > 0 else {
                ended.signal()
                return true
            }
            turns += 1
            let isFirst = turns == 1
            self.worker = worker
            let isOurs = worker.lend {
                module.leave()
                if isFirst { _ = taken.wait(timeout: .now() + ThreadDetacher.limit) }
            }
            if isOurs || !isFirst { ended.signal() }
            return isOurs
        }

        func loopTaken() {
            guard turns == 1, let worker else { return }
            worker.lendAtEndOfTurn(to: self)
            taken.signal()
        }
    }
}
