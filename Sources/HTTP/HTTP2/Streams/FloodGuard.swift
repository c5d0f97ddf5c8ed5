/// Frames and actions of a peer that are rate-limited: each kind causes work for the gateway, and no client needs many.
package enum FloodKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// RST_STREAM from the peer for a stream that has not been answered yet (CVE-2023-44487).
    case resets
    /// RST_STREAM from the gateway for a fault of the peer (CVE-2025-8671).
    case provokedResets
    /// Streams beyond the maximum number of concurrent streams.
    case refusedStreams
    case pings
    case settings
    /// PRIORITY and PRIORITY_UPDATE.
    case priorities
    /// WINDOW_UPDATE frames in excess of the DATA frames sent.
    case windowUpdates
    /// DATA without content and without END_STREAM.
    case emptyFrames
    /// DATA with more padding than content.
    case padding
    /// Frames of unknown types, and frames on closed streams.
    case unknownFrames

    package var fault: HTTP2Fault {
        switch self {
        case .resets: .floodOfResets
        case .provokedResets: .floodOfProvokedResets
        case .refusedStreams: .floodOfRefusedStreams
        case .pings: .floodOfPings
        case .settings: .floodOfSettings
        case .priorities: .floodOfPriorities
        case .windowUpdates: .floodOfWindowUpdates
        case .emptyFrames: .floodOfEmptyFrames
        case .padding: .floodOfPadding
        case .unknownFrames: .floodOfUnknownFrames
        }
    }
}

/// The rate limit of each kind: a burst, and a long-term rate per second.
package struct FloodLimits: Equatable, Sendable {
    package struct Limit: Equatable, BitwiseCopyable, Sendable {
        package var burst: Int
        package var perSecond: Int

        package init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    /// Leaving a page cancels all its requests at once, and pages may be left in quick succession.
    package var resets = Limit(burst: 500, perSecond: 50)
    package var provokedResets = Limit(burst: 100, perSecond: 10)
    /// A client that has not received the gateway's SETTINGS yet may open a hundred streams more than they allow.
    package var refusedStreams = Limit(burst: 200, perSecond: 20)
    package var pings = Limit(burst: 100, perSecond: 10)
    package var settings = Limit(burst: 32, perSecond: 2)
    package var priorities = Limit(burst: 500, perSecond: 100)
    package var windowUpdates = Limit(burst: 1000, perSecond: 200)
    package var emptyFrames = Limit(burst: 100, perSecond: 10)
    package var padding = Limit(burst: 500, perSecond: 100)
    package var unknownFrames = Limit(burst: 200, perSecond: 20)

    package init() {}

    package subscript(kind: FloodKind) -> Limit {
        switch kind {
        case .resets: resets
        case .provokedResets: provokedResets
        case .refusedStreams: refusedStreams
        case .pings: pings
        case .settings: settings
        case .priorities: priorities
        case .windowUpdates: windowUpdates
        case .emptyFrames: emptyFrames
        case .padding: padding
        case .unknownFrames: unknownFrames
        }
    }
}

/// Detects floods: a level for each kind, which every occurrence raises and which decreases with time.
package struct FloodGuard: BitwiseCopyable, Sendable {
    private var levels = InlineArray<10, Int32>(repeating: 0)
    /// The time of the last decrease, in milliseconds.
    private var lowered: Int64
    /// The number of WINDOW_UPDATE frames that are not counted because enough DATA was sent.
    private var windowUpdateCredit: Int32 = 0

    /// The number of WINDOW_UPDATE frames that a client may send per DATA frame: for the stream and for the connection,
    /// and as many again for a client that reports its progress in small steps.
    private static var creditPerFrame: Int32 { 4 }
    private static var largestCredit: Int32 { 1 << 16 }

    package init(now: Int64) { lowered = now }

    /// Counts an occurrence; false if there are too many.
    @inline(__always)
    package mutating func charge(_ kind: FloodKind, _ limits: FloodLimits, now: Int64) -> Bool {
        let place = Int(kind.rawValue)
        levels[place] &+= 1
        return Int(levels[place]) <= limits[kind].burst || isWithin(kind, limits, now: now)
    }

    /// Decreases all levels by the elapsed time, and checks again.
    @inline(never)
    private mutating func isWithin(_ kind: FloodKind, _ limits: FloodLimits, now: Int64) -> Bool {
        let seconds = (now - lowered) / 1000
        if seconds > 0 {
            lowered += seconds * 1000
            for kind in FloodKind.allCases {
                let place = Int(kind.rawValue)
                let (fall, overflows) = limits[kind].perSecond.multipliedReportingOverflow(by: Int(seconds))
                levels[place] = overflows ? 0 : Int32(max(0, Int(levels[place]) - fall))
            }
        }
        return Int(levels[Int(kind.rawValue)]) <= limits[kind].burst
    }

    /// Records a sent DATA frame with content.
    @inline(__always)
    package mutating func noteDataSent() {
        if windowUpdateCredit < Self.largestCredit { windowUpdateCredit += Self.creditPerFrame }
    }

    /// Counts a WINDOW_UPDATE; false if there are too many without a corresponding DATA frame.
    @inline(__always)
    package mutating func chargeWindowUpdate(_ limits: FloodLimits, now: Int64) -> Bool {
        if windowUpdateCredit > 0 {
            windowUpdateCredit -= 1
            return true
        }
        return charge(.windowUpdates, limits, now: now)
    }
}
