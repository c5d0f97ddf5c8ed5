import CLinux
import Glibc

/// The clocks of the system, which a worker reads once in each turn.
enum SystemClock {
    static func monotonicNow() -> Deadline {
        Deadline(milliseconds: monotonicNanoseconds() / 1_000_000)
    }

    static func monotonicNanoseconds() -> UInt64 { CLinux_monotonic_ns() }

    /// Seconds since 1970.
    static func wallNow() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return Int64(time.tv_sec)
    }
}
