import CLinux
import Dispatch
import Glibc
import Synchronization

/// The thread on which everything is built that stays, so that it lies apart from what goes.
///
/// The allocator keeps memory by thread. To read the configuration of thousands of sites takes as much memory as what is
/// built from it; built on the same thread, a little of it stays in each of these pages, and every reload begins with
/// more pages that are never empty. One thread for all reloads finds room where the last but one was.
@safe
final class BuildingThread: @unchecked Sendable {
    private let mailbox = Mailbox()
    private var thread = pthread_t()

    init() {
        let reference = unsafe Unmanaged.passRetained(mailbox).toOpaque()
        let status = unsafe pthread_create(&thread, nil, main, reference)
        precondition(status == 0, "a thread can be created: \(systemMessage(status))")
    }

    /// Waits for the end, so that the thread gives back what it has from OpenSSL.
    deinit {
        mailbox.post(nil)
        pthread_join(thread, nil)
    }

    /// Does `body` on the thread and waits for it.
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

    /// One piece of work at a time.
    fileprivate final class Mailbox: Sendable {
        let done = DispatchSemaphore(value: 0)
        private let wanted = DispatchSemaphore(value: 0)
        private let next = Mutex<(@Sendable () -> Void)?>(nil)

        /// Nil ends the thread.
        func post(_ work: (@Sendable () -> Void)?) {
            next.withLock { $0 = work }
            wanted.signal()
        }

        /// Does the next piece once there is one, and lets go of it; false at the end.
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
