import Testing

@testable import HTTP

@Suite("The states of a stream")
struct StreamStateTests {
    typealias Row = (StreamState, StreamState.Received, StreamState.Verdict, StreamState)

    /// RFC 9113 §5.1: each state, each frame, what becomes of the frame, and the state afterwards.
    static let rows: [Row] = [
        (.idle, .headers(endsStream: false), .take, .open),
        (.idle, .headers(endsStream: true), .take, .halfClosedRemote),
        (.idle, .data(endsStream: false), .fault(.frameOnIdleStream), .idle),
        (.idle, .data(endsStream: true), .fault(.frameOnIdleStream), .idle),
        (.idle, .resetStream, .fault(.frameOnIdleStream), .idle),
        (.idle, .windowUpdate, .fault(.frameOnIdleStream), .idle),
        (.idle, .priority, .ignore, .idle),

        (.open, .headers(endsStream: false), .fault(.trailersWithoutEnd), .open),
        (.open, .headers(endsStream: true), .take, .halfClosedRemote),
        (.open, .data(endsStream: false), .take, .open),
        (.open, .data(endsStream: true), .take, .halfClosedRemote),
        (.open, .resetStream, .take, .closed(.resetByPeer)),
        (.open, .windowUpdate, .take, .open),
        (.open, .priority, .ignore, .open),

        (.halfClosedRemote, .headers(endsStream: false), .fault(.headersAfterEnd), .halfClosedRemote),
        (.halfClosedRemote, .headers(endsStream: true), .fault(.headersAfterEnd), .halfClosedRemote),
        (.halfClosedRemote, .data(endsStream: false), .fault(.dataAfterEnd), .halfClosedRemote),
        (.halfClosedRemote, .data(endsStream: true), .fault(.dataAfterEnd), .halfClosedRemote),
        (.halfClosedRemote, .resetStream, .take, .closed(.resetByPeer)),
        (.halfClosedRemote, .windowUpdate, .take, .halfClosedRemote),
        (.halfClosedRemote, .priority, .ignore, .halfClosedRemote),

        (.halfClosedLocal, .headers(endsStream: false), .fault(.trailersWithoutEnd), .halfClosedLocal),
        (.halfClosedLocal, .headers(endsStream: true), .take, .closed(.ended)),
        (.halfClosedLocal, .data(endsStream: false), .take, .halfClosedLocal),
        (.halfClosedLocal, .data(endsStream: true), .take, .closed(.ended)),
        (.halfClosedLocal, .resetStream, .take, .closed(.resetByPeer)),
        (.halfClosedLocal, .windowUpdate, .take, .halfClosedLocal),
        (.halfClosedLocal, .priority, .ignore, .halfClosedLocal),
    ]

    @Test("Each frame in each state in which a stream is there", arguments: rows)
    func receives(row: Row) {
        var state = row.0
        #expect(state.receive(row.1) == row.2)
        #expect(state == row.3)
    }

    @Test("Each frame on a stream that is closed", arguments: StreamState.Closing.allCases)
    func closed(closing: StreamState.Closing) {
        let late: StreamState.Verdict =
            switch closing {
            case .ended: .fault(.frameOnEndedStream)
            case .resetByPeer, .forgotten: .fault(.frameOnClosedStream)
            case .resetByUs: .ignore
            case .skipped: .fault(.invalidStreamID)
            }
        for end in [false, true] {
            var state = StreamState.closed(closing)
            #expect(state.receive(.headers(endsStream: end)) == late)
            #expect(state.receive(.data(endsStream: end)) == (closing == .skipped ? .fault(.frameOnIdleStream) : late))
            #expect(state == .closed(closing))
        }
        for frame: StreamState.Received in [.resetStream, .windowUpdate, .priority] {
            var state = StreamState.closed(closing)
            #expect(state.receive(frame) == .ignore)
        }
    }

    @Test("The response ends, or resets, a stream")
    func sends() {
        var state = StreamState.open
        state.sendEnd()
        #expect(state == .halfClosedLocal && state.awaitsRequest && !state.awaitsResponse)
        state = .halfClosedRemote
        #expect(state.awaitsResponse && !state.awaitsRequest)
        state.sendEnd()
        #expect(state == .closed(.ended))
        state = .open
        state.sendReset()
        #expect(state == .closed(.resetByUs) && state.isClosed)
    }
}

@Suite("Flow control")
struct FlowControlTests {
    @Test("A window to send never passes 2^31-1, and may fall below zero")
    func sendWindow() {
        var window = SendWindow(FlowControl.initialWindow)
        window.send(65_535)
        let shrunk = window.change(by: -1000)
        #expect(shrunk && window.size == -1000)
        let filled = window.change(by: FlowControl.largestWindow + 1000)
        #expect(filled && window.size == FlowControl.largestWindow)
        let overfilled = window.change(by: 1)
        #expect(!overfilled && window.size == FlowControl.largestWindow)
    }

    @Test("A window to receive gives back what was used, in quarters or 64 KiB, and never more than was received")
    func receiveWindow() {
        var window = ReceiveWindow(1000)
        let (fits, more) = (window.receive(1000), window.receive(1))
        #expect(fits && !more && window.held == 1000)
        #expect(window.use(249) == nil)
        #expect(window.use(1) == 250)
        #expect(window.remaining == 250 && window.held == 750)
        #expect(window.grow(to: 900) == nil)
        #expect(window.use(100) == nil)
        #expect(window.grow(to: 2000) == 1100)
        #expect(window.remaining == 1350 && window.size == 2000 && window.held == 650)
        var large = ReceiveWindow(1 << 20)
        let isReceived = large.receive(1 << 20)
        #expect(isReceived && large.use(65_535) == nil)
        #expect(large.use(1) == 65_536)
    }

    @Test("Uploads share a budget, five sixths of what is left at most, and give their share back")
    func budget() {
        var budget = UploadBudget(1000, largestShare: 400)
        #expect(budget.take(upTo: .max) == 400)
        #expect(budget.take(upTo: .max) == 400)
        #expect(budget.take(upTo: .max) == 166)
        #expect(budget.take(upTo: 10) == 10)
        #expect(budget.take(upTo: -5) == 0)
        budget.giveBack(700)
        #expect(budget.left == 724)
    }

    @Test("A response has an end that a drip of bytes does not push on")
    func progress() {
        var progress = ResponseProgress(now: 0, patience: 30_000, bytesPerSecond: 1000)
        for second in 1..<30 { progress.move(1, now: Int64(second) * 1000) }
        #expect(!progress.isOver(now: 29_999) && progress.isOver(now: 30_100))
        progress = ResponseProgress(now: 0, patience: 30_000, bytesPerSecond: 1000)
        for second in 1..<200 {
            progress.move(1001, now: Int64(second) * 1000)
            #expect(!progress.isOver(now: Int64(second) * 1000))
        }
        // What went quickly at first does not carry a response that then stands still.
        progress.move(1 << 40, now: 200_000)
        #expect(progress.deadline == 230_000)
    }
}

@Suite("Floods")
struct FloodGuardTests {
    @Test("Each kind has its burst, its rate and its name", arguments: FloodKind.allCases)
    func limits(kind: FloodKind) {
        let limits = FloodLimits()
        var guardian = FloodGuard(now: 5000)
        for _ in 0..<limits[kind].burst { #expect(guardian.charge(kind, limits, now: 5000) == true) }
        #expect(guardian.charge(kind, limits, now: 5999) == false)
        #expect(kind.fault.isFlood && kind.fault.code == .enhanceYourCalm)
        guardian = FloodGuard(now: 5000)
        for second in 0..<100 {
            for _ in 0..<limits[kind].perSecond {
                #expect(guardian.charge(kind, limits, now: 5000 + Int64(second) * 1000) == true)
            }
        }
        #expect(guardian.charge(kind, limits, now: .max / 2) == true)
    }

    @Test("Kinds are counted apart")
    func apart() {
        let limits = FloodLimits()
        var guardian = FloodGuard(now: 0)
        for _ in 0..<limits.pings.burst { _ = guardian.charge(.pings, limits, now: 0) }
        for kind in FloodKind.allCases where kind != .pings { #expect(guardian.charge(kind, limits, now: 0) == true) }
        #expect(guardian.charge(.pings, limits, now: 0) == false)
    }

    @Test("WINDOW_UPDATE frames cost nothing as long as DATA is sent for them")
    func windowUpdates() {
        let limits = FloodLimits()
        var guardian = FloodGuard(now: 0)
        for _ in 0..<10_000 {
            guardian.noteDataSent()
            for _ in 0..<4 { #expect(guardian.chargeWindowUpdate(limits, now: 0) == true) }
        }
        for _ in 0..<limits.windowUpdates.burst { #expect(guardian.chargeWindowUpdate(limits, now: 0) == true) }
        #expect(guardian.chargeWindowUpdate(limits, now: 0) == false)
    }
}

@Suite("Priorities of streams")
struct StreamPriorityTests {
    static let fields: [(String, UInt8, Bool)] = [
        ("", 3, false), ("u=0", 0, false), ("u=7, i", 7, true), ("i", 3, true), ("i, u=1", 1, true),
        ("u=8", 3, false), ("u=-1", 3, false), ("u=12", 3, false), ("u", 3, false), ("i=?0", 3, false),
        ("i=?1,u=5", 5, true), ("i;q=1", 3, true), ("u=2;x, i", 2, true), ("urgency=1", 3, false),
        ("a=1, u=4", 4, false),
        ("u=1, u=2", 2, false), (",,", 3, false), ("u= 1", 3, false), ("i=1", 3, false), (" u=6 , i ", 6, true),
    ]

    @Test("The priority field gives urgency and whether parts are of use", arguments: fields)
    func parses(text: String, urgency: UInt8, incremental: Bool) {
        let text = bytes(text)
        #expect(
            unsafe StreamPriority(text.span.bytes, from: 0, to: text.count)
                == StreamPriority(urgency: urgency, isIncremental: incremental))
    }
}
