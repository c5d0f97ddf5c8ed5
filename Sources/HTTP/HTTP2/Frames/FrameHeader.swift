import Memory

/// Frame types (RFC 9113 §6, RFC 9218 §7.1).
package enum FrameType: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    case data = 0x0
    case headers = 0x1
    case priority = 0x2
    case resetStream = 0x3
    case settings = 0x4
    case pushPromise = 0x5
    case ping = 0x6
    case goAway = 0x7
    case windowUpdate = 0x8
    case continuation = 0x9
    case priorityUpdate = 0x10
}

/// Frame flags; the meaning of a bit depends on the type.
package enum FrameFlag {
    package static var endStream: UInt8 { 0x1 }
    package static var acknowledgement: UInt8 { 0x1 }
    package static var endHeaders: UInt8 { 0x4 }
    package static var padded: UInt8 { 0x8 }
    package static var priority: UInt8 { 0x20 }
}

/// The nine-octet header of every frame (RFC 9113 §4.1).
package struct FrameHeader: BitwiseCopyable, Equatable, Sendable {
    /// The length of the payload in bytes.
    package var length: Int
    /// The type as received; unknown types are ignored (§5.5).
    package var rawType: UInt8
    package var flags: UInt8
    /// Without the reserved bit, which is ignored.
    package var stream: UInt32

    /// The length of a header in bytes.
    package static var count: Int { 9 }
    /// The maximum payload that a peer may send by default (§4.2).
    package static var defaultMaximumLength: Int { 1 << 14 }

    package var type: FrameType? { FrameType(rawValue: rawType) }

    package init(_ type: FrameType, flags: UInt8 = 0, stream: UInt32, length: Int) {
        self.length = length
        rawType = type.rawValue
        self.flags = flags
        self.stream = stream
    }

    /// Parses the header at `offset`, which must be complete.
    @inline(__always)
    package init(_ input: RawSpan, at offset: Int) {
        let word = input.word(at: offset).byteSwapped
        length = Int(word >> 40)
        rawType = UInt8(truncatingIfNeeded: word >> 32)
        flags = UInt8(truncatingIfNeeded: word >> 24)
        // Three octets of the identifier, and the last one from the ninth octet.
        let high = UInt32(truncatingIfNeeded: word & 0xFF_FFFF) << 8
        stream = (high | UInt32(input.byte(at: offset + 8))) & 0x7FFF_FFFF
    }

    @inline(__always)
    package func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    @inline(__always)
    package func encode(to output: inout OutputBuffer) {
        output.append(upTo: Self.count + 7) { room in
            write(to: room)
            return Self.count
        }
    }

    /// Writes the nine octets.
    @inline(__always)
    func write(to room: MutableByteView) {
        let word = UInt64(length) << 40 | UInt64(rawType) << 32 | UInt64(flags) << 24 | UInt64(stream >> 8)
        room.store(word.bigEndian)
        room[8] = UInt8(truncatingIfNeeded: stream)
    }

    /// The payload without its padding (§6.1), as a range within the payload.
    ///
    /// - Parameter firstOctet: the first octet of the payload, which is the length of the padding if the frame is
    ///   padded.
    @inline(__always)
    func unpadded(_ firstOctet: UInt8) throws(HTTP2Fault) -> Range<Int> {
        guard has(FrameFlag.padded) else { return 0..<length }
        guard length > 0 else { throw .invalidFrameSize }
        guard Int(firstOctet) < length else { throw .paddingTooLarge }
        return 1..<(length - Int(firstOctet))
    }
}

extension RawSpan {
    /// Four octets from `offset` in network byte order.
    @inline(__always)
    func number(at offset: Int) -> UInt32 { halfWord(at: offset).byteSwapped }
}

extension OutputBuffer {
    @inline(__always)
    mutating func append(number: UInt32) {
        append(upTo: 4) { room in
            room.store(number.bigEndian)
            return 4
        }
    }
}
