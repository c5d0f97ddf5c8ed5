import Transport

/// Whether an extension's requests are short enough to run on the worker's own thread instead of a pool's.
///
/// A request that is over in microseconds costs less there than the two changes of threads to a pool and back. One
/// that waits for something holds its worker up for as long as the loop's relief takes to notice; so an extension
/// that has done so is barred, and each time it does so again for twice as long.
struct InlineRunning {
    private var strikes = 0
    private var runsSinceStrike = 0
    private var barredUntil = Deadline(milliseconds: 0)
    private var bar = Self.shortestBar

    /// Nanoseconds a request may take.
    static let limit: UInt64 = 200_000
    /// Nanoseconds the requests of one turn may take together before the connections get their turn.
    static let turnLimit: UInt64 = 500_000

    /// A thread interrupted by others looks slow now and then; that many slow requests close together are no chance.
    private static let strikeLimit = 4
    /// Requests in time that make up for a slow one.
    private static let runsPerStrike = 256
    /// Requests in time after which the bar is short again.
    private static let runsToForget = 10_000
    private static let shortestBar = Delay.milliseconds(100)
    private static let longestBar = Delay.seconds(10)

    func isAllowed(at now: Deadline) -> Bool { now >= barredUntil }

    /// A request has taken this many nanoseconds.
    mutating func ran(for nanoseconds: UInt64, at now: Deadline) {
        if nanoseconds > Self.limit { return strike(at: now) }
        runsSinceStrike += 1
        if runsSinceStrike.isMultiple(of: Self.runsPerStrike), strikes > 0 { strikes -= 1 }
        if runsSinceStrike == Self.runsToForget { bar = Self.shortestBar }
    }

    /// A request took so long that the loop went to another thread.
    mutating func loopTaken(at now: Deadline) {
        strikes = Self.strikeLimit
        strike(at: now)
    }

    private mutating func strike(at now: Deadline) {
        strikes += 1
        runsSinceStrike = 0
        guard strikes >= Self.strikeLimit else { return }
        strikes = 0
        barredUntil = now.advanced(by: bar)
        bar = .milliseconds(min(bar.milliseconds * 2, Self.longestBar.milliseconds))
    }
}
