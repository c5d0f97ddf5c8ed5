import Testing

@testable import HTTP

@Suite("Floods on a connection of HTTP/2, and its end")
struct HTTP2FloodTests {
    typealias Event = TestConnection.Event

    /// What a client repeats, and what it is called.
    static let floods: [(String, [UInt8], HTTP2Fault)] = [
        ("PING", Frame.ping, .floodOfPings),
        ("SETTINGS", Frame.settings([]), .floodOfSettings),
        ("WINDOW_UPDATE", Frame.windowUpdate(0, 1), .floodOfWindowUpdates),
        ("PRIORITY", Frame(.priority, 1, [0, 0, 0, 3, 1]).bytes, .floodOfPriorities),
        ("PRIORITY_UPDATE", Frame(.priorityUpdate, 0, Frame.number(9)).bytes, .floodOfPriorities),
        ("empty DATA", Frame.data(1, []), .floodOfEmptyFrames),
        ("padding", Frame(.data, flags: 8, 1, [2, 1, 0, 0]).bytes, .floodOfPadding),
        ("unknown frames", Frame(0xEE, flags: 0, 0, []).bytes, .floodOfUnknownFrames),
    ]

    @Test("A frame repeated too often ends the connection with ENHANCE_YOUR_CALM", arguments: floods)
    func flood(row: (String, [UInt8], HTTP2Fault)) {
        var test = TestConnection()
        _ = test.receive(test.headers(1, TestConnection.post, ends: false))
        var count = 0
        while count < 2000 {
            count += 1
            if test.receive(row.1).last == .failed(row.2) { break }
        }
        #expect(count < 2000 && count > 30)
        let code = test.sent().last?.payload.prefix(8).suffix(4)
        #expect(code == Frame.number(ErrorCode.enhanceYourCalm.rawValue)[...])
    }

    @Test("Streams opened and reset, or made to be reset, are counted")
    func resets() {
        var test = TestConnection()
        var last: Event?
        var id: UInt32 = 1
        while last != .failed(.floodOfResets), id < 4000 {
            last = test.receive(test.headers(id) + Frame.reset(id)).last
            id += 2
        }
        #expect(last == .failed(.floodOfResets) && id > 500)
        for increment: UInt32 in [0, 0x7FFF_FFFF] {
            var test = TestConnection()
            var id: UInt32 = 1
            while last != .failed(.floodOfProvokedResets), id < 4000 {
                last = test.receive(test.headers(id) + Frame.windowUpdate(id, increment)).last
                id += 2
            }
            #expect(last == .failed(.floodOfProvokedResets) && id < 400)
            last = nil
        }
    }

    @Test("What is ignored on a stream that we have reset, or behind a drain, is counted all the same")
    func ignored() {
        for (flags, block) in [(5, [0x82]), (4, [])] as [(UInt8, [UInt8])] {
            var test = TestConnection()
            _ = test.receive(test.headers(1, TestConnection.post, ends: false))
            test.connection.reset(test.reference(1)!, .cancel, to: &test.output)
            var last: Event?
            var count = 0
            while last == nil, count < 2000 {
                last = test.receive(Frame(.headers, flags: flags, 1, block).bytes + Frame.data(1, [])).last
                count += 1
            }
            #expect(last == .failed(.floodOfUnknownFrames) && count > 50)
        }
        var test = TestConnection()
        test.connection.finishDrain(to: &test.output)
        var last: Event?
        var id: UInt32 = 1
        while last == nil, id < 4000 {
            last = test.receive(test.headers(id)).last
            id += 2
        }
        #expect(last == .failed(.floodOfRefusedStreams) && id > 256)
    }

    @Test("A field block may have so many CONTINUATION frames, and so many bytes")
    func continuations() {
        var test = TestConnection()
        var events = test.receive(Frame(.headers, flags: 1, 1, [0x82]).bytes)
        for _ in 0..<16 { events += test.receive(Frame(.continuation, flags: 0, 1, []).bytes) }
        #expect(events.isEmpty)
        #expect(test.receive(Frame(.continuation, flags: 0, 1, []).bytes) == [.failed(.tooManyContinuations)])
        test = TestConnection()
        let piece = [UInt8](repeating: 0x82, count: 16_384)
        events = test.receive(Frame(.headers, flags: 1, 1, piece).bytes)
        for _ in 0..<3 { events += test.receive(Frame(.continuation, flags: 0, 1, piece).bytes) }
        #expect(events.isEmpty)
        #expect(test.receive(Frame(.continuation, flags: 0, 1, [0x82]).bytes) == [.failed(.fieldBlockTooLarge)])
    }

    // MARK: The end

    @Test("A drain is announced, confirmed by PING, and then final; what is open goes on")
    func drain() {
        var test = TestConnection()
        _ = test.receive(test.headers(1))
        test.connection.announceDrain(to: &test.output)
        let sent = test.sent()
        #expect(sent.map(\.type) == [7, 6] && sent[0].payload.prefix(4) == Frame.number(1 << 31 - 1)[...])
        #expect(test.receive(test.headers(3)).count == 1)
        #expect(test.receive(Frame(.ping, flags: 1, 0, sent[1].payload).bytes) == [.drainSeen])
        test.connection.finishDrain(to: &test.output)
        #expect(test.sent() == [Frame(.goAway, 0, Frame.number(3) + Frame.number(0))])
        #expect(
            test.receive(test.headers(5, TestConnection.post, ends: false) + Frame.data(5, [1], ends: true)).isEmpty)
        #expect(test.sent().isEmpty)
        test.respond(1)
        test.respond(3)
        #expect(test.sent().count == 2 && test.connection.streams.count == 0)
        #expect(test.receive(Frame.data(0, [])) == [.failed(.frameOnWrongStream)])
        #expect(test.sent().last?.payload.prefix(4) == Frame.number(3)[...], "no later stream than told before")
    }

    @Test("A client's GOAWAY is told, and its streams go on")
    func goAway() {
        var test = TestConnection()
        #expect(
            test.receive(Frame(.goAway, 0, Frame.number(0) + Frame.number(2) + bytes("why")).bytes) == [
                .goAway(.internalError)
            ])
        #expect(test.receive(test.headers(1)).count == 1)
    }

    @Test("An idle connection keeps the client's table and nothing else; streams closed before stay closed")
    func trim() {
        var test = TestConnection()
        for id: UInt32 in [1, 3] {
            _ = test.receive(test.headers(id))
            test.respond(id)
        }
        test.connection.trim()
        _ = test.sent()
        #expect(test.receive(test.headers(3)).isEmpty)
        #expect(test.sent() == [Frame.reset(frame: 3, .streamClosed)])
        #expect(test.receive(test.headers(5)).count == 1)
    }
}
