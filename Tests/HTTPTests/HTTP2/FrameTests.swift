import Testing

@testable import HTTP

@Suite("Frames of HTTP/2")
struct FrameTests {
    /// What `encode` writes: the header and the payload.
    private func frame(_ encode: (inout OutputBuffer) -> Void) -> (header: FrameHeader, payload: [UInt8]) {
        var output = OutputBuffer()
        encode(&output)
        let bytes = Array(output.unsent)
        return unsafe (FrameHeader(bytes.span.bytes, at: 0), Array(bytes[9...]))
    }

    @Test("A header keeps its length, type, flags and stream, without the reserved bit")
    func header() {
        for length in [0, 1, 255, 256, 65_536, 1 << 24 - 1] {
            for stream: UInt32 in [0, 1, 0x1234_5678, 0x7FFF_FFFF] {
                let header = FrameHeader(.continuation, flags: 0xA5, stream: stream, length: length)
                let encoded = frame { header.encode(to: &$0) }
                #expect(encoded.header == header && encoded.payload.isEmpty)
            }
        }
        let reserved = hexadecimal("000000 00 00 80000001")
        #expect(unsafe FrameHeader(reserved.span.bytes, at: 0).stream == 1)
        #expect(unsafe FrameHeader(hexadecimal("0000000b00 00000001").span.bytes, at: 0).type == nil)
    }

    @Test("SETTINGS comes back, and each value is checked")
    func settings() throws {
        let all: [(SettingsFrame.Setting, UInt32)] = SettingsFrame.Setting.allCases.map {
            ($0, $0 == .maximumFrameSize ? 1 << 14 : 1)
        }
        let encoded = frame { SettingsFrame.encode(all, to: &$0) }
        #expect(try !SettingsFrame.isAcknowledgement(encoded.header))
        var parsed: [UInt16: UInt32] = [:]
        unsafe try SettingsFrame.parse(encoded.payload.span.bytes) { setting, value in parsed[setting.rawValue] = value
        }
        #expect(parsed == Dictionary(uniqueKeysWithValues: all.map { ($0.0.rawValue, $0.1) }))
        let faults: [(SettingsFrame.Setting, UInt32, HTTP2Fault)] = [
            (.enablePush, 2, .invalidEnablePush), (.initialWindowSize, 1 << 31, .invalidInitialWindow),
            (.maximumFrameSize, 1 << 14 - 1, .invalidMaximumFrameSize),
            (.maximumFrameSize, 1 << 24, .invalidMaximumFrameSize), (.enableConnectProtocol, 2, .invalidSetting),
            (.noRFC7540Priorities, 2, .invalidSetting),
        ]
        for (setting, value, fault) in faults {
            let payload = frame { SettingsFrame.encode([(setting, value)], to: &$0) }.payload
            #expect(throws: fault) { unsafe try SettingsFrame.parse(payload.span.bytes) { _, _ in } }
        }
        let unknown = frame {
            $0.append(number: 0); $0.append(number: 0); $0.append(UInt8(0))
        }
        #expect(unknown.header.length == 0)
        unsafe try SettingsFrame.parse(hexadecimal("00ff ffff ffff").span.bytes) { _, _ in
            Issue.record("unknown setting")
        }
    }

    @Test("Frames of a wrong size, or on a wrong stream, are refused")
    func sizes() {
        func header(_ type: FrameType, stream: UInt32, length: Int, flags: UInt8 = 0) -> FrameHeader {
            FrameHeader(type, flags: flags, stream: stream, length: length)
        }
        let payload = [UInt8](repeating: 0, count: 20)
        let span = unsafe payload.span.bytes
        for length in [0, 3, 5] {
            #expect(throws: HTTP2Fault.invalidFrameSize) {
                try ResetStreamFrame.code(header(.resetStream, stream: 1, length: length), span)
            }
            #expect(throws: HTTP2Fault.invalidFrameSize) {
                try WindowUpdateFrame.increment(header(.windowUpdate, stream: 1, length: length), span)
            }
        }
        #expect(throws: HTTP2Fault.frameOnWrongStream) {
            try ResetStreamFrame.code(header(.resetStream, stream: 0, length: 4), span)
        }
        for length in [0, 7, 9] {
            #expect(throws: HTTP2Fault.invalidFrameSize) {
                try PingFrame.content(header(.ping, stream: 0, length: length), span)
            }
        }
        #expect(throws: HTTP2Fault.frameOnWrongStream) {
            try PingFrame.content(header(.ping, stream: 1, length: 8), span)
        }
        #expect(throws: HTTP2Fault.invalidFrameSize) { try GoAwayFrame(header(.goAway, stream: 0, length: 7), span) }
        #expect(throws: HTTP2Fault.frameOnWrongStream) { try GoAwayFrame(header(.goAway, stream: 3, length: 8), span) }
        #expect(throws: HTTP2Fault.invalidPriorityFrame) {
            try PriorityFrame.check(header(.priority, stream: 1, length: 4), span)
        }
        #expect(throws: HTTP2Fault.frameOnWrongStream) {
            try PriorityFrame.check(header(.priority, stream: 0, length: 5), span)
        }
        #expect(throws: HTTP2Fault.frameOnWrongStream) {
            try SettingsFrame.isAcknowledgement(header(.settings, stream: 1, length: 0))
        }
        #expect(throws: HTTP2Fault.invalidFrameSize) {
            try SettingsFrame.isAcknowledgement(header(.settings, stream: 0, length: 5))
        }
        #expect(throws: HTTP2Fault.settingsAckWithPayload) {
            try SettingsFrame.isAcknowledgement(header(.settings, stream: 0, length: 6, flags: 1))
        }
        #expect(throws: HTTP2Fault.invalidFrameSize) {
            try PriorityUpdateFrame(header(.priorityUpdate, stream: 0, length: 3), span)
        }
        #expect(throws: HTTP2Fault.frameOnWrongStream) {
            try PriorityUpdateFrame(header(.priorityUpdate, stream: 1, length: 4), span)
        }
        #expect(throws: HTTP2Fault.invalidStreamID) {
            try PriorityUpdateFrame(header(.priorityUpdate, stream: 0, length: 4), span)
        }
    }

    @Test("Padding is taken off, and refused when it is longer than the frame")
    func padding() throws {
        func headers(_ payload: String, flags: UInt8) throws(HTTP2Fault) -> HeadersFrame {
            let payload = hexadecimal(payload)
            return unsafe try HeadersFrame(
                FrameHeader(.headers, flags: flags, stream: 3, length: payload.count), payload.span.bytes)
        }
        #expect(try headers("01 82 00", flags: 0x8).fragment == 1..<2)
        #expect(try headers("00 82 84", flags: 0x8).fragment == 1..<3)
        #expect(try headers("02 0000", flags: 0x8).fragment == 1..<1)
        #expect(try headers("01 00000003 10 82 00", flags: 0x28).fragment == 6..<7)
        #expect(try headers("01 80000003 10 82 00", flags: 0x28).dependency == 3)
        #expect(throws: HTTP2Fault.paddingTooLarge) { try headers("03 8200", flags: 0x8) }
        #expect(throws: HTTP2Fault.paddingTooLarge) { try headers("01", flags: 0x8) }
        #expect(throws: HTTP2Fault.invalidFrameSize) { try headers("", flags: 0x8) }
        #expect(throws: HTTP2Fault.invalidFrameSize) { try headers("00000000", flags: 0x20) }
        #expect(throws: HTTP2Fault.invalidFrameSize) { try headers("03 00000000 01 0000", flags: 0x28) }
    }

    @Test("Frames come back as they were encoded")
    func roundTrips() throws {
        let reset = frame { ResetStreamFrame.encode(.cancel, stream: 5, to: &$0) }
        #expect(unsafe try ResetStreamFrame.code(reset.header, reset.payload.span.bytes) == .cancel)
        let ping = frame { PingFrame.encode(0x0102_0304_0506_0708, isAcknowledgement: true, to: &$0) }
        #expect(unsafe try PingFrame.content(ping.header, ping.payload.span.bytes) == 0x0102_0304_0506_0708)
        #expect(ping.header.has(FrameFlag.acknowledgement) && ping.payload == [1, 2, 3, 4, 5, 6, 7, 8])
        let goAway = frame { GoAwayFrame.encode(lastStream: 7, .enhanceYourCalm, reason: "why", to: &$0) }
        let parsed = unsafe try GoAwayFrame(goAway.header, goAway.payload.span.bytes)
        #expect(parsed.lastStream == 7 && parsed.code == .enhanceYourCalm)
        #expect(Array(goAway.payload[parsed.debugData]) == bytes("why"))
        let update = frame { WindowUpdateFrame.encode(0x7FFF_FFFF, stream: 9, to: &$0) }
        #expect(unsafe try WindowUpdateFrame.increment(update.header, update.payload.span.bytes) == 0x7FFF_FFFF)
        let priority = frame { PriorityFrame.encode(stream: 3, dependency: 1, weight: 16, to: &$0) }
        unsafe try PriorityFrame.check(priority.header, priority.payload.span.bytes)
        let itself = frame { PriorityFrame.encode(stream: 3, dependency: 0x8000_0003, weight: 16, to: &$0) }
        #expect(throws: HTTP2Fault.streamDependsOnItself) {
            unsafe try PriorityFrame.check(itself.header, itself.payload.span.bytes)
        }
        let told = frame { PriorityUpdateFrame.encode("u=1, i", stream: 11, to: &$0) }
        let heard = unsafe try PriorityUpdateFrame(told.header, told.payload.span.bytes)
        #expect(heard.prioritized == 11 && heard.priority == StreamPriority(urgency: 1, isIncremental: true))
    }

    @Test("A field block larger than a frame goes into CONTINUATION frames", arguments: [0, 1, 9, 10, 11, 20, 35])
    func continuations(count: Int) {
        var output = OutputBuffer()
        output.append("before")
        let start = HeadersFrame.begin(in: &output)
        let block = (0..<count).map { UInt8($0) }
        for byte in block { output.append(byte) }
        HeadersFrame.end(at: start, stream: 5, endsStream: true, maximumLength: 10, in: &output)
        var rest = Array(output.unsent)[6...]
        var received: [UInt8] = []
        var frames: [FrameHeader] = []
        while !rest.isEmpty {
            let header = unsafe FrameHeader(Array(rest).span.bytes, at: 0)
            received += rest.dropFirst(9).prefix(header.length)
            rest = rest.dropFirst(9 + header.length)
            frames.append(header)
        }
        #expect(received == block)
        #expect(frames.count == max(1, (count + 9) / 10) && frames.allSatisfy { $0.stream == 5 && $0.length <= 10 })
        #expect(frames.first?.type == .headers && frames.first?.has(FrameFlag.endStream) == true)
        #expect(frames.dropFirst().allSatisfy { $0.type == .continuation && !$0.has(FrameFlag.endStream) })
        #expect(frames.map { $0.has(FrameFlag.endHeaders) } == frames.indices.map { $0 == frames.count - 1 })
    }

    @Test("The preface is told from anything else at its first wrong byte")
    func preface() {
        let text = bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for end in 0...text.count {
            #expect(unsafe ConnectionPreface.begins(Array(text[..<end]).span.bytes) == (end == text.count ? true : nil))
            guard end > 0 else { continue }
            var wrong = Array(text[..<end])
            wrong[end - 1] ^= 0x20
            #expect(unsafe ConnectionPreface.begins(wrong.span.bytes) == false)
        }
    }

    @Test(
        "Every fault has a code and a reason; floods are ENHANCE_YOUR_CALM of the connection",
        arguments: HTTP2Fault.allCases)
    func faults(fault: HTTP2Fault) {
        #expect(fault.code != .noError && !"\(fault.reason)".isEmpty)
        #expect(fault.isFlood == (fault.code == .enhanceYourCalm))
        #expect(!(fault.isFlood && fault.isStreamError))
    }
}
