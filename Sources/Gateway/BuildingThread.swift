import CLinux
import Dispatch
import Glibc
import Synchronization

/// The thread on which long-lived objects are built, so that their memory is allocated apart from short-lived memory.
///
/// The allocator keeps memory by thread. To read the configuration of thousands of sites takes as much memory as the
/// objects that are built from it. If they were built on the same thread, some of them would stay in each of these
/// pages, and every reload would begin with more pages that never become empty. A single thread for all reloads reuses
/// the memory of the generation before the previous one.
@safe
final class BuildingThread: @unchecked Sendable {
    private let mailbox = Mailbox()
    private var thread = pthread_t()

    init() {
        let reference = unsafe Unmanaged.passRetained(mailbox).toOpaque()
        let status = unsafe pthread_create(&thread, nil, main, reference)
        precondition(status == 0, "a thread can be created: \(systemMessage(status))")
    }

    /// Waits for the thread's end, so that it frees its memory of OpenSSL.
    deinit {
        mailbox.post(nil)
        pthread_join(thread, nil)
    }

    /// Runs `body` on the thread and waits for it.
    func run<Value, Failure: Error>(_ body: @escaping () throws(Failure) -> Value) throws(Failure) -> Value {
        // Only one of the two threads runs at a time.
        nonisolated(unsafe) var result: Result<Value, Failure>?
        nonisolated(unsafe) let body = body
        mailbox.post {
            do throws(Failure) {
                unsafe result = .success(try body())
            } catch {
                unsafe result = .failure(error)
            }
        }
        mailbox.done.wait()
        return unsafe try result!.get()
    }

    /// Passes one piece of work at a time.
    fileprivate final class Mailbox: Sendable {
        let done = DispatchSemaphore(value: 0)
        private let wanted = DispatchSemaphore(value: 0)
        private let next = Mutex<(@Sendable () -> Void)?>(nil)

        /// Nil ends the thread.
        func post(_ work: (@Sendable () -> Void)?) {
            next.withLock { $0 = work }
            wanted.signal()
        }

        /// Runs the next piece once there is one, and releases it; false at the end.
        func work() -> Bool {
            wanted.wait()
            let work = next.withLock { next in
                defer { next = nil }
                return next
            }
            work?()
            return work != nil
        }
    }
}

private let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
    let mailbox = unsafe Unmanaged<BuildingThread.Mailbox>.fromOpaque(reference!).takeRetainedValue()
    unsafe CLinux_set_thread_name("builder")
    while mailbox.work() { mailbox.done.signal() }
    return nil
}
