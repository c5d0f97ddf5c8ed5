import CLinux
import Glibc

/// Signals as values: blocked for all threads, read one by one by the main thread.
///
/// Must be made before any other thread exists, so that all inherit the mask.
@safe
package struct SignalReader: ~Copyable {
    private let signals: Int32
    private let events: Int32

    package enum Event: Equatable {
        case signal(Int32)
        /// Somebody called `Notifier.notify()`.
        case notified
        case timeout
    }

    package init() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        Glibc.signal(SIGPIPE, SIG_IGN)
        signals = unsafe CLinux_signalfd(&set)
        events = CLinux_eventfd()
        precondition(signals >= 0 && events >= 0, "signalfd and eventfd can be created")
    }

    deinit {
        close(signals)
        close(events)
    }

    /// Wakes `next` from another thread.
    package struct Notifier: Sendable {
        fileprivate let events: Int32

        package func notify() {
            var one: UInt64 = 1
            _ = unsafe write(events, &one, 8)
        }
    }

    package var notifier: Notifier { Notifier(events: events) }

    /// Waits for the next signal or notification, at most `milliseconds`; without limit when nil.
    package func next(within milliseconds: Int32?) -> Event {
        while true {
            var polled = (
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
                pollfd(fd: events, events: Int16(POLLIN), revents: 0)
            )
            let count = unsafe withUnsafeMutablePointer(to: &polled) {
                unsafe $0.withMemoryRebound(to: pollfd.self, capacity: 2) { unsafe poll($0, 2, milliseconds ?? -1) }
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return .timeout }
            if polled.0.revents != 0 {
                var info = signalfd_siginfo()
                guard unsafe read(signals, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else { continue }
                return .signal(Int32(info.ssi_signo))
            }
            var counter: UInt64 = 0
            _ = unsafe read(events, &counter, 8)
            return .notified
        }
    }
}
