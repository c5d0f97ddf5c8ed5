/// A time on the monotonic clock, in milliseconds, at which a wait times out.
package struct Deadline: Equatable, Comparable, BitwiseCopyable, Sendable {
    package let milliseconds: UInt64

    package static let never = Deadline(milliseconds: .max)

    package init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// The clock now, for threads that are not workers, which have read it at the beginning of the turn.
    package static func current() -> Deadline { SystemClock.monotonicNow() }

    package static func < (left: Deadline, right: Deadline) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The deadline `delay` after this one; `never` stays `never`.
    package func advanced(by delay: Delay) -> Deadline {
        let (sum, overflow) = milliseconds.addingReportingOverflow(delay.milliseconds)
        return overflow ? .never : Deadline(milliseconds: sum)
    }
}

/// A duration in milliseconds, as limits are configured.
package struct Delay: Equatable, BitwiseCopyable, Sendable {
    package let milliseconds: UInt64

    package static func milliseconds(_ value: UInt64) -> Delay { Delay(milliseconds: value) }
    package static func seconds(_ value: UInt64) -> Delay { Delay(milliseconds: value * 1000) }

    /// Rounded up, so that a limit is never shorter than configured; negative durations are zero.
    package init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        milliseconds = seconds < 0 ? 0 : UInt64(seconds) * 1000 + UInt64(max(0, rest))
    }

    private init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }
}
