/// What a peer may do only so often: each kind costs us work, and no client needs much of it.
package enum FloodKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// RST_STREAM from the peer, of a stream that was not answered yet (CVE-2023-44487).
    case resets
    /// RST_STREAM from us, for a fault of the peer (CVE-2025-8671).
    case provokedResets
    /// Streams beyond the number allowed at a time.
    case refusedStreams
    case pings
    case settings
    /// PRIORITY and PRIORITY_UPDATE.
    case priorities
    /// WINDOW_UPDATE, of which more come than DATA is sent.
    case windowUpdates
    /// DATA without content and without END_STREAM.
    case emptyFrames
    /// DATA with more padding than content.
    case padding
    /// Frames of unknown types, and frames on streams that are gone.
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

/// How often each kind may happen: so many at once, and so many a second in the long run.
package struct FloodLimits: Equatable, Sendable {
    package struct Limit: Equatable, BitwiseCopyable, Sendable {
        package var burst: Int
        package var perSecond: Int

        package init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    /// A page that is left cancels all its requests at once, and pages may be left quickly.
    package var resets = Limit(burst: 500, perSecond: 50)
    package var provokedResets = Limit(burst: 100, perSecond: 10)
    /// A client that has not seen our settings yet may open a hundred streams more than they allow.
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

/// Counts what a peer does too often: a level for each kind that every occurrence raises and time lowers.
package struct FloodGuard: BitwiseCopyable, Sendable {
    private var levels = InlineArray<10, Int32>(repeating: 0)
    /// When the levels were lowered last, in milliseconds.
    private var lowered: Int64
    /// WINDOW_UPDATE frames that cost nothing, since as much DATA was sent.
    private var windowUpdateCredit: Int32 = 0

    /// WINDOW_UPDATE frames that a client may send for one frame of DATA: for the stream and for the connection, and as
    /// many again for one that tells of its progress in small steps.
    private static var creditPerFrame: Int32 { 4 }
    private static var largestCredit: Int32 { 1 << 16 }

    package init(now: Int64) { lowered = now }

    /// Counts one more of a kind; false when that is too many.
    @inline(__always)
    package mutating func charge(_ kind: FloodKind, _ limits: FloodLimits, now: Int64) -> Bool {
        let place = Int(kind.rawValue)
        levels[place] &+= 1
        return Int(levels[place]) <= limits[kind].burst || isWithin(kind, limits, now: now)
    }

    /// Lowers all levels by the time that has passed, and looks again.
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

    /// Notes a frame of DATA that was sent, with content.
    @inline(__always)
    package mutating func noteDataSent() {
        if windowUpdateCredit < Self.largestCredit { windowUpdateCredit += Self.creditPerFrame }
    }

    /// Counts a WINDOW_UPDATE; false when there are too many that move nothing.
    @inline(__always)
    package mutating func chargeWindowUpdate(_ limits: FloodLimits, now: Int64) -> Bool {
        if windowUpdateCredit > 0 {
            windowUpdateCredit -= 1
            return true
        }
        return charge(.windowUpdates, limits, now: now)
    }
}
