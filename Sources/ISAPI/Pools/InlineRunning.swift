import Transport

/// Whether an extension's requests are short enough to run on the worker's own thread instead of a pool's.
///
/// A request of some microseconds costs less there than the two context switches to a pool and back. A request that
/// blocks delays its worker until the relief thread notices; so an extension that has done so is excluded for a time,
/// which doubles each time it does so again.
struct InlineRunning {
    private var strikes = 0
    private var runsSinceStrike = 0
    private var barredUntil = Deadline(milliseconds: 0)
    private var bar = Self.shortestBar
    /// The nanoseconds that requests take, the last ones counting most.
    private var usual: UInt64 = 0

    /// Nanoseconds a request may take.
    static let limit: UInt64 = 200_000
    /// Nanoseconds the requests of one turn may take together before the connections continue.
    static let turnLimit: UInt64 = 500_000

    /// A thread that is interrupted by others appears slow now and then; this many slow requests close together are not
    /// accidental.
    private static let strikeLimit = 4
    /// Fast requests that compensate for a slow one.
    private static let runsPerStrike = 256
    /// Fast requests after which the exclusion is short again.
    private static let runsToForget = 10_000
    private static let shortestBar = Delay.milliseconds(100)
    private static let longestBar = Delay.seconds(10)

    func isAllowed(at now: Deadline) -> Bool { now >= barredUntil }

    /// How many requests may run together without delaying the first of them by much.
    func batchLimit(atMost limit: Int) -> Int {
        max(1, min(limit, Int(Self.limit / max(usual, 1))))
    }

    /// A request has taken this many nanoseconds.
    mutating func ran(for nanoseconds: UInt64, at now: Deadline) {
        usual = (usual * 7 + nanoseconds) / 8
        if nanoseconds > Self.limit { return strike(at: now) }
        runsSinceStrike += 1
        if runsSinceStrike.isMultiple(of: Self.runsPerStrike), strikes > 0 { strikes -= 1 }
        if runsSinceStrike == Self.runsToForget { bar = Self.shortestBar }
    }

    /// A request took so long that another thread took the loop.
    ///
    /// - Parameter isOtherProcess: it runs in a process, which may have waited for a processor.
    mutating func loopTaken(at now: Deadline, isOtherProcess: Bool) {
        if !isOtherProcess { strikes = Self.strikeLimit }
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
