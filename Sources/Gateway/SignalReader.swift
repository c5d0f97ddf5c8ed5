import CLinux
import Glibc
import Transport

/// Signals as values: blocked for all threads, read one by one by the main thread.
///
/// Must be created before any other thread exists, so that all inherit the mask.
@safe
package final class SignalReader {
    private let signals: Descriptor

    package init() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // Writing to a closed pipe, or to a file at its size limit, returns an error instead.
        Glibc.signal(SIGPIPE, SIG_IGN)
        Glibc.signal(SIGXFSZ, SIG_IGN)
        signals = Descriptor(adopting: unsafe CLinux_signalfd(&set))
        precondition(signals.isOpen, "a signalfd can be created")
        setNonBlocking(signals.number)
    }

    /// Readable while a signal waits.
    var descriptor: Int32 { signals.number }

    /// The next signal, or nil when none waits.
    func next() -> Int32? {
        var info = signalfd_siginfo()
        guard unsafe read(signals.number, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else { return nil }
        return Int32(info.ssi_signo)
    }
}
