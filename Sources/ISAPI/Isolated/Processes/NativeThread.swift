import CLinux
import Glibc

/// A thread that blocks, which those of Swift's concurrency must not; signals are for the gateway's other threads.
package enum NativeThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    package static let stackSize = 256 << 10

    /// False when the system refuses a thread.
    ///
    /// - Parameter stack: bytes of its stack, of which it gets memory only for what it uses.
    package static func start(
        _ name: String, stack: Int = stackSize, _ body: @escaping @Sendable () -> Void
    ) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stack)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        // A fault whose signal is blocked ends the process without a report.
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { unsafe sigdelset(&all, fault) }
        unsafe pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Body(name, body))
        let error = unsafe pthread_create(
            &thread, &attributes,
            { context in
                let body = unsafe Unmanaged<Body>.fromOpaque(context!).takeRetainedValue()
                unsafe CLinux_set_thread_name(body.name)
                CLinux_guard_stack()
                body.run()
                return nil
            }, context.toOpaque())
        if error != 0 { unsafe context.release() }
        return error == 0
    }
}
