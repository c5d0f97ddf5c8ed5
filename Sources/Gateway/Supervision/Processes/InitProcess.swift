import CLinux
import Glibc

/// Process 1 of a container in which the gateway is a single process: forwards signals and reaps orphans.
///
/// The system assigns every process whose parent has ended to process 1, which has to reap it. A gateway that is a
/// single process cannot do that, because it might reap the children of an extension; so it becomes the child of a
/// process that does nothing else.
package enum InitProcess {
    /// Whether orphans are assigned to this process.
    package static var isNeeded: Bool { getpid() == 1 }

    /// Starts this program with its arguments once more, and returns when that process has ended: its exit status, or
    /// 128 plus the number of the signal that ended it.
    package static func run() -> Int32 {
        let signals = SignalReader()
        guard let child = start() else { return 1 }
        while true {
            var poll = Poll()
            poll.watch(signals.descriptor)
            poll.wait(until: .never)
            while let signal = signals.next() {
                if signal != SIGCHLD { kill(child, signal) }
            }
            if let status = Orphans.reap(awaiting: child) { return status }
        }
    }

    /// In a separate process group: signals from a terminal reach only this process.
    private static func start() -> pid_t? {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var words = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var pid: pid_t = 0
        let status = unsafe posix_spawn(&pid, "/proc/self/exe", nil, &attributes, &words, environ)
        return status == 0 ? pid : nil
    }
}

/// Children of process 1 that it has not started.
enum Orphans {
    /// Reaps every child that has ended, except those of `known`, which others wait for.
    static func reap(sparing known: [pid_t]) {
        while true {
            let ended = CLinux_ended_child()
            // The others are reaped in the next turn: the end of a known one wakes the loop.
            guard ended > 0, !known.contains(ended) else { return }
            _ = waitpid(ended, nil, WNOHANG)
        }
    }

    /// Reaps every child that has ended; returns the exit status once `child` is among them.
    static func reap(awaiting child: pid_t) -> Int32? {
        while true {
            var status: Int32 = 0
            let ended = unsafe waitpid(-1, &status, WNOHANG)
            guard ended > 0 else { return nil }
            // The macros of wait(2): the low seven bits are the signal, the byte above the exit status.
            if ended == child { return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f) }
        }
    }
}
