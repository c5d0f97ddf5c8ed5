import Testing

@testable import HTTP

@Suite("A connection of HTTP/2")
struct HTTP2ConnectionTests {
    typealias Event = TestConnection.Event

    @Test("The server says its settings first, and acknowledges the client's")
    func greeting() {
        var test = TestConnection(isGreeted: false)
        let first = test.sent()
        #expect(first.map(\.type) == [4, 8] && first[1].stream == 0)
        #expect(test.drip(TestConnection.preface + Frame.settings([(3, 10), (0xFFFF, 1)])).isEmpty)
        #expect(test.sent() == [Frame(.settings, flags: 1, 0, [])])
        #expect(test.connection.unacknowledgedSettings == 1)
        #expect(test.receive(Frame(.settings, flags: 1, 0, []).bytes).isEmpty)
        #expect(test.connection.unacknowledgedSettings == 0)
    }

    @Test("Requests, content and trailers give the same events whole, split anywhere, and byte by byte")
    func splits() {
        func input(_ test: inout TestConnection) -> [UInt8] {
            var input = test.headers(1)
            input += test.headers(3, TestConnection.post, ends: false)
            input += Frame.data(3, bytes("first")) + Frame.ping
            input += Frame(.data, flags: 0x8, 3, [3] + bytes("second") + [0, 0, 0]).bytes
            input += Frame(0xBE, flags: 0xFF, 7, [1, 2, 3]).bytes
            let block = test.client.block(of: [TestField("x-sum", "1"), TestField("grpc-status", "0")])
            input += Frame(.headers, flags: 0x1, 3, Array(block[..<3])).bytes
            input += Frame(.continuation, flags: 0, 3, Array(block[3..<5])).bytes
            input += Frame(.continuation, flags: 0x4, 3, Array(block[5...])).bytes
            input += test.headers(5, TestConnection.post, ends: false) + Frame.data(5, [], ends: true)
            input += Frame(.data, flags: 0x9, 5 + 2, [0]).bytes
            return input
        }
        var whole = TestConnection()
        let wire = input(&whole)
        let expected = whole.receive(wire)
        let sent = whole.sent()
        #expect(expected.count == 8)
        #expect(expected.last == .failed(.frameOnIdleStream))
        #expect(expected.contains(.trailers(3, ["x-sum: 1", "grpc-status: 0"])))
        #expect(expected.contains(.content(3, bytes("second"), ends: false)))
        for split in 0...wire.count {
            var test = TestConnection()
            _ = input(&test)
            let events = test.receive(Array(wire[..<split])) + test.receive(Array(wire[split...]))
            #expect(Self.joined(events) == Self.joined(expected), "split at \(split)")
            #expect(test.sent() == sent, "split at \(split)")
        }
        var test = TestConnection()
        _ = input(&test)
        #expect(Self.joined(test.drip(wire)) == Self.joined(expected))
    }

    /// The events with content that arrived in pieces put together, and without that of no bytes.
    private static func joined(_ events: [Event]) -> [Event] {
        var joined: [Event] = []
        for event in events {
            if case .content(let id, let more, let ends) = event, case .content(id, let content, false)? = joined.last {
                joined[joined.count - 1] = .content(id, content + more, ends: ends)
            } else if case .failed = event, joined.last == event {
                continue
            } else {
                joined.append(event)
            }
        }
        return joined
    }

    // MARK: Errors

    /// What a client sends after the greeting, and the fault of the connection it is.
    static let connectionFaults: [(String, [UInt8], HTTP2Fault)] = [
        ("DATA on stream 0", Frame.data(0, [1]), .frameOnWrongStream),
        ("HEADERS on stream 0", Frame(.headers, flags: 5, 0, [0x82]).bytes, .frameOnWrongStream),
        ("HEADERS on an even stream", Frame(.headers, flags: 5, 2, [0x82]).bytes, .invalidStreamID),
        ("DATA on an idle stream", Frame.data(1, [1]), .frameOnIdleStream),
        ("RST_STREAM on an idle stream", Frame.reset(1), .frameOnIdleStream),
        ("WINDOW_UPDATE on an idle stream", Frame.windowUpdate(1, 1), .frameOnIdleStream),
        ("CONTINUATION alone", Frame(.continuation, flags: 4, 1, []).bytes, .unexpectedContinuation),
        ("PUSH_PROMISE", Frame(.pushPromise, flags: 4, 1, [0, 0, 0, 2]).bytes, .pushFromClient),
        ("PING on a stream", Frame(.ping, 1, [UInt8](repeating: 0, count: 8)).bytes, .frameOnWrongStream),
        ("PING of 7 bytes", Frame(.ping, 0, [UInt8](repeating: 0, count: 7)).bytes, .invalidFrameSize),
        ("SETTINGS on a stream", Frame(.settings, 1, []).bytes, .frameOnWrongStream),
        ("SETTINGS of 5 bytes", Frame(.settings, 0, [0, 0, 0, 0, 0]).bytes, .invalidFrameSize),
        ("SETTINGS with a window of 2^31", Frame.settings([(4, 1 << 31)]), .invalidInitialWindow),
        ("SETTINGS with frames of 16,383", Frame.settings([(5, 16_383)]), .invalidMaximumFrameSize),
        ("SETTINGS with push of 2", Frame.settings([(2, 2)]), .invalidEnablePush),
        ("GOAWAY of 7 bytes", Frame(.goAway, 0, [UInt8](repeating: 0, count: 7)).bytes, .invalidFrameSize),
        ("GOAWAY on a stream", Frame(.goAway, 1, [UInt8](repeating: 0, count: 8)).bytes, .frameOnWrongStream),
        ("WINDOW_UPDATE of 3 bytes", Frame(.windowUpdate, 0, [0, 0, 1]).bytes, .invalidFrameSize),
        ("WINDOW_UPDATE of 0", Frame.windowUpdate(0, 0), .emptyConnectionWindowUpdate),
        ("WINDOW_UPDATE beyond 2^31-1", Frame.windowUpdate(0, 0x7FFF_FFFF), .connectionWindowOverflow),
        ("RST_STREAM on stream 0", Frame.reset(0), .frameOnWrongStream),
        ("RST_STREAM of 3 bytes", Frame(.resetStream, 1, [0, 0, 0]).bytes, .invalidFrameSize),
        ("PRIORITY on stream 0", Frame(.priority, 0, [0, 0, 0, 1, 1]).bytes, .frameOnWrongStream),
        ("PRIORITY_UPDATE on a stream", Frame(.priorityUpdate, 1, [0, 0, 0, 1]).bytes, .frameOnWrongStream),
        ("a frame of 16,385 bytes", [0, 0x40, 1, 0, 0, 0, 0, 0, 1], .frameTooLarge),
        ("an unknown frame of 16,385 bytes", [0, 0x40, 1, 0xEE, 0, 0, 0, 0, 0], .frameTooLarge),
        ("padding longer than HEADERS", Frame(.headers, flags: 0xD, 1, [9, 0x82]).bytes, .paddingTooLarge),
        ("HEADERS of 0 bytes, padded", Frame(.headers, flags: 0xD, 1, []).bytes, .invalidFrameSize),
        ("an unknown index", Frame(.headers, flags: 5, 1, [0xFF, 0]).bytes, .invalidIndex),
        ("half a field", Frame(.headers, flags: 5, 1, [0x40]).bytes, .truncatedFieldBlock),
        (
            "a frame within a field block", Frame(.headers, flags: 1, 1, [0x82]).bytes + Frame.ping,
            .continuationExpected
        ),
        (
            "an unknown frame within a field block",
            Frame(.headers, flags: 1, 1, [0x82]).bytes + Frame(0xEE, flags: 0, 1, []).bytes, .continuationExpected
        ),
        (
            "CONTINUATION of another stream",
            Frame(.headers, flags: 1, 1, [0x82]).bytes + Frame(.continuation, flags: 4, 3, []).bytes,
            .continuationExpected
        ),
        (
            "an acknowledgement too many",
            Frame(.settings, flags: 1, 0, []).bytes + Frame(.settings, flags: 1, 0, []).bytes, .unexpectedSettingsAck
        ),
    ]

    @Test("A fault of the connection ends it with GOAWAY and its code", arguments: connectionFaults)
    func connectionFault(row: (String, [UInt8], HTTP2Fault)) {
        var test = TestConnection()
        #expect(test.receive(row.1) == [.failed(row.2)])
        let sent = test.sent()
        let goAway = sent.last
        #expect(goAway?.type == 7 && goAway?.payload.prefix(8).suffix(4) == Frame.number(row.2.code.rawValue)[...])
        #expect(!row.2.isStreamError)
        #expect(test.receive(Frame.ping) == [.failed(row.2)] && test.sent().isEmpty, "nothing is said after GOAWAY")
        var dripped = TestConnection()
        #expect(dripped.drip(row.1).last == .failed(row.2))
    }

    /// What a client sends on a stream that only the server could open, behind one of its own.
    static let serverStreamFaults: [([UInt8], HTTP2Fault)] = [
        (Frame.reset(2), .frameOnIdleStream), (Frame.windowUpdate(2, 1), .frameOnIdleStream),
        (Frame.windowUpdate(2, 0), .frameOnIdleStream), (Frame.data(2, [1]), .frameOnIdleStream),
        (Frame(.headers, flags: 5, 2, [0x82]).bytes, .invalidStreamID),
        (Frame(.priority, 2, [0, 0, 0, 3]).bytes, .invalidFrameSize),
    ]

    @Test("A stream of the server's is idle for ever", arguments: serverStreamFaults)
    func serverStreamFault(frame: [UInt8], fault: HTTP2Fault) {
        var test = TestConnection()
        _ = test.receive(test.headers(5))
        #expect(test.receive(Frame(.priority, 2, [0, 0, 0, 3, 1]).bytes).isEmpty)
        #expect(test.sent().isEmpty)
        #expect(test.receive(frame) == [.failed(fault)])
        #expect(test.sent().map(\.type) == [7])
    }

    /// What a client sends on stream 1, open with an upload, and the fault of the stream it is.
    static let streamFaults: [(String, [UInt8], HTTP2Fault)] = [
        ("WINDOW_UPDATE of 0", Frame.windowUpdate(1, 0), .emptyWindowUpdate),
        ("WINDOW_UPDATE beyond 2^31-1", Frame.windowUpdate(1, 0x7FFF_FFFF), .streamWindowOverflow),
        ("trailers that do not end it", Frame(.headers, flags: 4, 1, [0x00, 1, 0x61, 0]).bytes, .trailersWithoutEnd),
        ("trailers with a pseudo-field", Frame(.headers, flags: 5, 1, [0x84]).bytes, .malformedTrailers),
        ("PRIORITY of 4 bytes", Frame(.priority, 1, [0, 0, 0, 3]).bytes, .invalidPriorityFrame),
        ("PRIORITY on itself", Frame(.priority, 1, [0, 0, 0, 1, 1]).bytes, .streamDependsOnItself),
        ("more than Content-Length", Frame.data(1, [UInt8](repeating: 0, count: 11)), .contentTooLong),
        ("less than Content-Length", Frame.data(1, [1], ends: true), .contentTooShort),
        ("trailers before Content-Length", Frame(.headers, flags: 5, 1, [0x00, 1, 0x61, 0]).bytes, .contentTooShort),
    ]

    @Test("A fault of a stream resets it with its code, and the connection goes on", arguments: streamFaults)
    func streamFault(row: (String, [UInt8], HTTP2Fault)) {
        var test = TestConnection()
        _ = test.receive(test.headers(1, TestConnection.post, ends: false, extra: [("content-length", "10")]))
        _ = test.sent()
        #expect(test.receive(row.1) == [.streamFailed(1, row.2)])
        #expect(test.sent().filter { $0.stream == 1 } == [Frame.reset(frame: 1, row.2.code)])
        #expect(row.2.isStreamError)
        // What the client sent before it knew is ignored; the next request is answered.
        let late = Frame.data(1, [1, 2], ends: true) + Frame.windowUpdate(1, 5) + Frame.reset(1)
        #expect(test.receive(late).isEmpty)
        #expect(test.receive(test.headers(3)).count == 1)
    }

    @Test("A malformed request is reset, and its fields are in the table all the same")
    func malformed() {
        var test = TestConnection()
        let bad = test.headers(1, TestConnection.get, extra: [("connection", "close"), ("x-custom", "value")])
        #expect(test.receive(bad) == [.malformed(1, .connectionField)])
        #expect(test.sent() == [Frame.reset(frame: 1, .protocolError)])
        for id: UInt32 in [3, 5, 7] {
            let events = test.receive(test.headers(id, extra: [("x-custom", "value")]))
            guard case .request(id, let request, ends: true)? = events.first else { return #expect(Bool(false)) }
            #expect(request.fields == ["host: example.com", "x-custom: value"])
        }
    }

    @Test("What is too large is a request to be answered, not a fault")
    func refused() {
        var limits = HTTP2Limits()
        limits.head = HeadLimits(maximumHead: 600, maximumRequestLine: 40, maximumFields: 8)
        var test = TestConnection(limits: limits)
        let many = (0..<9).map { ("x\($0)", "y") }
        #expect(test.receive(test.headers(1, extra: many)) == [.refused(1, .tooManyFields)])
        let large = [("x", String(repeating: "z", count: 500))]
        #expect(test.receive(test.headers(3, extra: large)) == [.refused(3, .headTooLarge)])
        let cookies = (0..<6).map { _ in ("cookie", "a") }
        #expect(test.receive(test.headers(5, extra: cookies)) == [.refused(5, .tooManyFields)])
        #expect(test.receive(test.headers(7)).count == 1 && test.connection.streams.count == 4)
    }

    @Test("Frames on closed streams: an error of the connection after both ends, of the stream after a reset")
    func closedStreams() {
        var test = TestConnection()
        _ = test.receive(test.headers(1))
        test.respond(1)
        _ = test.sent()
        #expect(
            test.receive(Frame.windowUpdate(1, 1) + Frame.reset(1) + Frame(.priority, 1, [0, 0, 0, 3, 1]).bytes).isEmpty
        )
        #expect(test.receive(Frame.data(1, [1])) == [.failed(.frameOnEndedStream)])
        test = TestConnection()
        _ = test.receive(test.headers(1) + Frame.reset(1))
        #expect(test.receive(Frame.data(1, [1])).isEmpty)
        #expect(test.sent() == [Frame.reset(frame: 1, .streamClosed)])
        #expect(test.receive(test.headers(5)).count == 1)
        #expect(test.receive(test.headers(3)) == [.failed(.invalidStreamID)])
        test = TestConnection()
        _ = test.receive(test.headers(1) + Frame.data(1, [1]))
        #expect(test.sent() == [Frame.reset(frame: 1, .streamClosed)])
        #expect(test.receive(test.headers(1)).isEmpty, "the stream is reset")
    }

    @Test("One stream too many is refused, and only that one")
    func concurrency() {
        var limits = HTTP2Limits()
        limits.maximumStreams = 2
        var test = TestConnection(limits: limits)
        _ = test.receive(test.headers(1, ends: false) + test.headers(3))
        _ = test.sent()
        #expect(test.receive(test.headers(5, ends: false)).isEmpty)
        #expect(test.sent() == [Frame.reset(frame: 5, .refusedStream)])
        #expect(test.receive(Frame.data(5, [1, 2, 3], ends: true)).isEmpty)
        test.respond(3)
        #expect(test.receive(test.headers(7)).count == 1)
    }

    // MARK: Flow control

    @Test("DATA beyond a window is refused, that of the stream for the stream")
    func windows() {
        var limits = HTTP2Limits()
        limits.initialWindow = 10
        limits.largestWindow = 10
        limits.connectionWindow = 65_535
        var test = TestConnection(limits: limits)
        _ = test.receive(Frame(.settings, flags: 1, 0, []).bytes)
        _ = test.receive(
            test.headers(1, TestConnection.post, ends: false) + Frame.data(1, [UInt8](repeating: 0, count: 10)))
        #expect(test.receive(Frame.data(1, [1])) == [.streamFailed(1, .streamWindowExceeded)])
        let full = Frame.data(3, [UInt8](repeating: 0, count: 16_384))
        limits.initialWindow = 1 << 20
        test = TestConnection(limits: limits)
        _ = test.receive(test.headers(3, TestConnection.post, ends: false))
        for _ in 0..<3 { _ = test.receive(full) }
        #expect(test.receive(full) == [.failed(.connectionWindowExceeded)])
    }

    @Test("A window smaller than the protocol's holds once the client has acknowledged it")
    func earlyWindows() {
        var limits = HTTP2Limits()
        limits.initialWindow = 10
        limits.largestWindow = 10
        limits.connectionWindow = 65_535
        var test = TestConnection(limits: limits)
        let acknowledgement = Frame(.settings, flags: 1, 0, []).bytes
        let content = [UInt8](repeating: 0, count: 20)
        for id: UInt32 in [1, 3] {
            _ = test.receive(test.headers(id, TestConnection.post, ends: false))
            #expect(test.receive(Frame.data(id, content)) == [.content(id, content, ends: false)])
        }
        test.connection.useContent(20, of: test.reference(1)!, to: &test.output)
        #expect(test.sent().isEmpty)
        // The client's window is 10 - 20 from now on, until it is told that the 20 were used.
        #expect(test.receive(acknowledgement).isEmpty)
        #expect(test.sent() == [Frame(.windowUpdate, 1, Frame.number(20))])
        #expect(test.receive(Frame.data(1, [UInt8](repeating: 0, count: 10))).count == 1)
        #expect(test.receive(Frame.data(1, [1])) == [.streamFailed(1, .streamWindowExceeded)])
        #expect(test.receive(Frame.data(3, [], ends: true)) == [.content(3, [], ends: true)], "nothing always fits")
    }

    @Test("A window opens again as content is used; padding and content of closed streams open it at once")
    func windowUpdates() {
        var limits = HTTP2Limits()
        limits.connectionWindow = 65_535
        limits.largestWindow = 65_535
        var test = TestConnection(limits: limits)
        _ = test.receive(test.headers(1, TestConnection.post, ends: false))
        let content = Frame.data(1, [UInt8](repeating: 0, count: 16_384))
        _ = test.receive(content + content + content)
        #expect(test.sent().isEmpty)
        let stream = test.reference(1)!
        test.connection.useContent(10_000, of: stream, to: &test.output)
        #expect(test.sent().isEmpty)
        test.connection.useContent(10_000, of: stream, to: &test.output)
        #expect(Set(test.sent().map(\.stream)) == [0, 1])
        test.connection.reset(stream, .noError, to: &test.output)
        #expect(test.sent() == [Frame.reset(frame: 1, .noError)])
        for _ in 0..<20 { #expect(test.receive(content).isEmpty) }
        #expect(!test.sent().isEmpty, "the connection's window goes on")
        _ = test.receive(test.headers(3, TestConnection.post, ends: false))
        let padded = Frame(.data, flags: 0x8, 3, [200] + [UInt8](repeating: 0, count: 400)).bytes
        for _ in 0..<300 {
            #expect(test.receive(padded).count == 1)
            test.connection.useContent(200, of: test.reference(3)!, to: &test.output)
        }
    }

    @Test("An upload gets a larger window, and uploads that stand still leave some to others")
    func uploads() {
        var test = TestConnection()
        var increments: [UInt32: Int] = [:]
        for id: UInt32 in [1, 3, 5] {
            _ = test.receive(test.headers(id, TestConnection.post, ends: false))
            for frame in test.sent() { increments[frame.stream] = frame.payload.reduce(0) { $0 << 8 | Int($1) } }
        }
        #expect(increments[1]! > increments[3]! && increments[3]! > increments[5]! && increments[5]! > 0)
        _ = test.receive(test.headers(7, TestConnection.post, ends: false, extra: [("content-length", "1000")]))
        #expect(test.sent().isEmpty)
        let left = test.connection.uploads.left
        _ = test.receive(Frame.reset(1))
        #expect(test.connection.uploads.left == left + increments[1]!)
    }

    @Test("Content is sent as far as the windows reach, and further when they open")
    func sending() {
        var test = TestConnection()
        _ = test.receive(Frame.settings([(4, 10)]) + test.headers(1))
        _ = test.sent()
        let stream = test.reference(1)!
        #expect(test.connection.room(of: stream) == 10)
        test.connection.beginContent(10, of: stream, endsStream: false, to: &test.output)
        for _ in 0..<10 { test.output.append(UInt8(0x78)) }
        #expect(test.sent() == [Frame(.data, 1, [UInt8](repeating: 0x78, count: 10))])
        test.connection.setWantsToSend(true, stream)
        #expect(test.connection.room(of: stream) == 0 && test.connection.nextToSend() == nil)
        #expect(test.receive(Frame.windowUpdate(1, 5)) == [.writable])
        #expect(test.connection.nextToSend() == stream && test.connection.room(of: stream) == 5)
        #expect(test.receive(Frame.settings([(4, 0)])).isEmpty)
        #expect(test.connection.room(of: stream) == 0)
        #expect(test.receive(Frame.settings([(4, 100)])) == [.writable])
        #expect(test.connection.room(of: stream) == 95)
        #expect(test.receive(Frame.settings([(4, 0x7FFF_FFFF)])) == [.writable])
        #expect(test.receive(Frame.windowUpdate(1, 0x7FFF_FFFF)) == [.streamFailed(1, .streamWindowOverflow)])
        #expect(test.connection.nextToSend() == nil)
    }

    @Test("A setting that takes a window beyond 2^31-1 ends the connection")
    func settingOverflow() {
        var test = TestConnection()
        _ = test.receive(test.headers(1) + Frame.windowUpdate(1, 0x7FFF_0000))
        #expect(test.receive(Frame.settings([(4, 0x7FFF_FFFF)])) == [.failed(.settingOverflowsWindow)])
    }

    // MARK: Priorities

    @Test("The most urgent stream goes first; incremental ones take turns")
    func priorities() {
        var test = TestConnection()
        let told = ["u=5", "u=1, i", "u=1, i", "u=1"]
        for (index, priority) in told.enumerated() {
            _ = test.receive(test.headers(UInt32(2 * index + 1), extra: [("priority", priority)]))
        }
        for id: UInt32 in [1, 3, 5, 7] { test.connection.setWantsToSend(true, test.reference(id)!) }
        var order: [UInt32] = []
        for _ in 0..<5 {
            let next = test.connection.nextToSend()!
            order.append(next.id)
            test.connection.beginContent(1, of: next, endsStream: false, to: &test.output)
            test.output.append(UInt8(0))
        }
        #expect(order == [3, 5, 7, 7, 7])
        _ = test.receive(Frame(.priorityUpdate, 0, Frame.number(1) + bytes("u=0")).bytes)
        #expect(test.connection.nextToSend()?.id == 1)
        test.connection.setWantsToSend(false, test.reference(1)!)
        #expect(test.connection.nextToSend()?.id == 7)
        _ = test.receive(Frame.reset(7))
        #expect(test.connection.nextToSend()?.id == 3)
    }

    @Test("A priority told before its stream is there counts more than the field")
    func earlyPriority() {
        var test = TestConnection()
        _ = test.receive(Frame(.priorityUpdate, 0, Frame.number(3) + bytes("u=0, i")).bytes)
        _ = test.receive(test.headers(3, extra: [("priority", "u=7")]))
        let stream = test.connection.streams[test.reference(3)!]
        #expect(stream.priority == StreamPriority(urgency: 0, isIncremental: true))
    }

    // MARK: Responses

    @Test("A response is a head, content and trailers; fields of the connection are left out")
    func response() throws {
        var test = TestConnection()
        _ = test.receive(test.headers(1))
        _ = test.sent()
        let stream = test.reference(1)!
        let interim = test.connection.beginHead(status: 103, of: stream, to: &test.output)!
        test.connection.endHead(at: interim, of: stream, isFinal: false, endsStream: false, to: &test.output)
        let head = test.connection.beginHead(status: 200, of: stream, to: &test.output)!
        let lines = bytes("Content-Type: text/plain\r\nConnection: close\r\nKeep-Alive: 1\r\nSet-Cookie: a=b\r\n")
        lines.withBytes { test.connection.writeFields($0, to: &test.output) }
        test.connection.endHead(at: head, of: stream, endsStream: false, to: &test.output)
        test.connection.beginContent(2, of: stream, endsStream: false, to: &test.output)
        test.output.append("hi")
        let trailers = test.connection.beginHead(status: nil, of: stream, to: &test.output)!
        bytes("0").withBytes { test.connection.writeField("grpc-status", $0, to: &test.output) }
        test.connection.endHead(at: trailers, of: stream, endsStream: true, to: &test.output)
        let sent = test.sent()
        #expect(sent.map(\.type) == [1, 1, 0, 1] && sent.map(\.flags) == [4, 4, 0, 5])
        var decoder = HPACKDecoder()
        #expect(try decoder.fields(of: sent[0].payload).map(\.description) == [":status: 103"])
        #expect(
            try decoder.fields(of: sent[1].payload).map(\.description)
                == [":status: 200", "content-type: text/plain", "set-cookie: a=b"])
        #expect(try decoder.fields(of: sent[3].payload).map(\.description) == ["grpc-status: 0"])
        #expect(test.connection.streams.count == 0)
        #expect(test.connection.beginHead(status: 200, of: stream, to: &test.output) == nil)
        #expect(test.connection.room(of: stream) == 0)
        test.connection.setWantsToSend(true, stream)
        test.connection.reset(stream, .cancel, to: &test.output)
        #expect(test.sent().isEmpty, "a stream that is gone takes nothing")
    }

    @Test("Content that is used when its stream is gone opens the window of the connection alone")
    func contentOfGoneStream() {
        var limits = HTTP2Limits()
        limits.connectionWindow = 65_535
        limits.largestWindow = 65_535
        var test = TestConnection(limits: limits)
        _ = test.receive(test.headers(1, TestConnection.post, ends: false))
        let stream = test.reference(1)!
        let content = Frame.data(1, [UInt8](repeating: 0, count: 16_384))
        _ = test.receive(content + content + content + Frame.reset(1))
        #expect(test.sent().isEmpty && test.reference(1) == nil)
        test.connection.useContent(3 * 16_384, of: stream, to: &test.output)
        #expect(test.sent() == [Frame(.windowUpdate, 0, Frame.number(3 * 16_384))])
    }
}
