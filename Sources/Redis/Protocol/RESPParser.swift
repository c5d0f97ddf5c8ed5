import Memory

/// Parses replies of a Redis server as they arrive, in RESP2 and RESP3
/// (https://redis.io/docs/latest/develop/reference/protocol-spec/).
///
/// It continues where it stopped: no byte is looked at twice, however the replies are cut into pieces. What a peer can
/// make it keep is limited.
package struct RESPParser: Sendable {
    /// What one reply may have at most.
    package struct Limits: Equatable, Sendable {
        /// Bytes of a whole reply.
        package var reply = 64 << 10
        /// Elements of all lists of a reply.
        package var elements = 1024
        /// Lists within lists.
        package var depth = 8
        /// Bytes of a line without its end: of a number, a length, a simple text or a simple error.
        package var line = 4 << 10

        package init() {}
    }

    private let limits: Limits
    private var received: [UInt8] = []
    /// The first byte that has not been parsed.
    private var start = 0
    /// Up to here there is no end of the line that begins at `start`.
    private var searched = 0
    /// The text whose length is known and whose bytes are awaited.
    private var text: PendingText?
    private var open: [OpenList] = []
    /// Of the reply in progress.
    private var parsedBytes = 0
    private var elementCount = 0

    private struct PendingText {
        let kind: Kind
        let count: Int

        enum Kind {
            case bulk, error, verbatim
        }
    }

    private struct OpenList {
        let kind: Kind
        var missing: Int
        var elements: [RESPValue] = []

        enum Kind {
            case array, map, push
            /// Data about the reply that follows, which is left out.
            case attribute
        }
    }

    package init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether a reply has begun and not ended.
    package var isWithinReply: Bool { start < received.count || !open.isEmpty || text != nil }

    /// Adds bytes that were received.
    package mutating func append(_ bytes: ByteView) {
        if start == received.count {
            received.removeAll(keepingCapacity: true)
            start = 0
            searched = 0
        } else if start > 4096 {
            received.removeFirst(start)
            searched -= start
            start = 0
        }
        received.append(contentsOf: bytes)
    }

    /// The next whole reply; nil until more bytes have been added.
    package mutating func next() throws(RESPError) -> RESPValue? {
        while true {
            guard let value = try nextValue() else { return nil }
            guard let reply = close(value) else { continue }
            parsedBytes = 0
            elementCount = 0
            return reply
        }
    }

    /// Puts a value into the list it belongs to; returns the reply when that is complete.
    private mutating func close(_ value: RESPValue) -> RESPValue? {
        var value = value
        while var list = open.popLast() {
            list.elements.append(value)
            list.missing -= 1
            guard list.missing == 0 else {
                open.append(list)
                return nil
            }
            guard let whole = Self.value(of: list) else { return nil }
            value = whole
        }
        return value
    }

    /// Nil for an attribute, which stands for nothing.
    private static func value(of list: OpenList) -> RESPValue? {
        switch list.kind {
        case .array: .array(list.elements)
        case .map: .map(list.elements)
        case .push: .push(list.elements)
        case .attribute: nil
        }
    }

    /// The next value that is not a list with elements; such a list is opened. Nil until more bytes have been added.
    private mutating func nextValue() throws(RESPError) -> RESPValue? {
        while true {
            if let pending = text {
                guard let value = try takeText(pending) else { return nil }
                text = nil
                return value
            }
            guard let line = try takeLine() else { return nil }
            if let value = try interpret(line) { return value }
        }
    }

    // MARK: Bytes

    /// The next line without its end; nil until it is complete.
    private mutating func takeLine() throws(RESPError) -> Range<Int>? {
        guard start < received.count else { return nil }
        try Self.checkType(received[start])
        var index = max(searched, start)
        while index < received.count, received[index] != 0x0A {
            index += 1
        }
        searched = index
        // With its type, and with the CR of its end.
        guard index - start <= limits.line + 2 else { throw .lineTooLong(limit: limits.line) }
        guard index < received.count else { return nil }
        guard index > start + 1, received[index - 1] == 0x0D else { throw .malformedLine }
        let line = start..<index - 1
        try count(index + 1 - start)
        start = index + 1
        searched = start
        return line
    }

    private mutating func takeText(_ pending: PendingText) throws(RESPError) -> RESPValue? {
        guard received.count - start >= pending.count + 2 else {
            // What follows the text is checked as soon as it is there.
            if received.count - start == pending.count + 1, received[received.count - 1] != 0x0D {
                throw .unterminatedText
            }
            return nil
        }
        let end = start + pending.count
        guard received[end] == 0x0D, received[end + 1] == 0x0A else { throw .unterminatedText }
        let bytes = received[start..<end]
        start = end + 2
        searched = start
        switch pending.kind {
        case .bulk: return .bulk(Array(bytes))
        case .error: return .error(Array(bytes))
        case .verbatim:
            guard bytes.count >= 4, bytes[bytes.startIndex + 3] == UInt8(ascii: ":") else { throw .malformedFormat }
            return .bulk(Array(bytes.dropFirst(4)))
        }
    }

    private mutating func count(_ bytes: Int) throws(RESPError) {
        parsedBytes += bytes
        guard parsedBytes <= limits.reply else { throw .replyTooLong(limit: limits.reply) }
    }

    private static func checkType(_ byte: UInt8) throws(RESPError) {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "*"),
            UInt8(ascii: "_"), UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "("), UInt8(ascii: "!"),
            UInt8(ascii: "="), UInt8(ascii: "~"), UInt8(ascii: "%"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            return
        default: throw .unknownType(byte)
        }
    }

    // MARK: Types

    /// The value of a line; nil if what follows belongs to it.
    private mutating func interpret(_ line: Range<Int>) throws(RESPError) -> RESPValue? {
        let rest = received[line.lowerBound + 1..<line.upperBound]
        switch received[line.lowerBound] {
        case UInt8(ascii: ":"): return .integer(try Self.integer(rest))
        case UInt8(ascii: "+"): return .simple(try Self.plain(rest))
        case UInt8(ascii: "-"): return .error(try Self.plain(rest))
        case UInt8(ascii: "$"): return try begin(.bulk, rest)
        case UInt8(ascii: "!"): return try begin(.error, rest)
        case UInt8(ascii: "="): return try begin(.verbatim, rest)
        case UInt8(ascii: "*"): return try begin(.array, rest)
        case UInt8(ascii: "~"): return try begin(.array, rest)
        case UInt8(ascii: ">"): return try begin(.push, rest)
        case UInt8(ascii: "%"): return try begin(.map, rest)
        case UInt8(ascii: "|"): return try begin(.attribute, rest)
        case UInt8(ascii: "_"):
            guard rest.isEmpty else { throw .malformedLine }
            return .null
        case UInt8(ascii: "#"):
            guard rest.count == 1, let letter = rest.first, letter == UInt8(ascii: "t") || letter == UInt8(ascii: "f")
            else { throw .malformedBoolean }
            return .boolean(letter == UInt8(ascii: "t"))
        case UInt8(ascii: ","): return .double(try Self.double(rest))
        case UInt8(ascii: "("):
            let digits = rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") ? rest.dropFirst() : rest
            guard !digits.isEmpty, digits.allSatisfy(Self.isDigit) else { throw .malformedNumber }
            return .bigNumber(Array(rest))
        default: throw .unknownType(received[line.lowerBound])
        }
    }

    private mutating func begin(_ kind: PendingText.Kind, _ digits: ArraySlice<UInt8>) throws(RESPError) -> RESPValue? {
        guard let length = try Self.length(digits, mayBeNull: kind == .bulk) else { return .null }
        guard length <= limits.reply else { throw .replyTooLong(limit: limits.reply) }
        try count(length + 2)
        text = PendingText(kind: kind, count: length)
        return nil
    }

    private mutating func begin(_ kind: OpenList.Kind, _ digits: ArraySlice<UInt8>) throws(RESPError) -> RESPValue? {
        guard let length = try Self.length(digits, mayBeNull: kind == .array) else { return .null }
        guard length <= limits.elements else { throw .tooManyElements(limit: limits.elements) }
        let elements = kind == .map || kind == .attribute ? length * 2 : length
        elementCount += elements
        guard elementCount <= limits.elements else { throw .tooManyElements(limit: limits.elements) }
        guard open.count < limits.depth else { throw .tooDeep(limit: limits.depth) }
        let list = OpenList(kind: kind, missing: elements)
        guard elements > 0 else { return Self.value(of: list) }
        open.append(list)
        return nil
    }

    /// Nil for -1, by which RESP2 denotes that there is none.
    private static func length(_ digits: ArraySlice<UInt8>, mayBeNull: Bool) throws(RESPError) -> Int? {
        if digits.count == 1, digits.first == UInt8(ascii: "?") { throw .streamed }
        if mayBeNull, digits.elementsEqual("-1".utf8) { return nil }
        guard !digits.isEmpty, digits.count <= 10, digits.allSatisfy(isDigit) else { throw .malformedLength }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func integer(_ text: ArraySlice<UInt8>) throws(RESPError) -> Int64 {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative || text.first == UInt8(ascii: "+") ? text.dropFirst() : text
        guard !digits.isEmpty, digits.count <= 19 else { throw .malformedNumber }
        // Negative numbers reach one further than positive ones.
        var value: Int64 = 0
        for digit in digits {
            guard isDigit(digit) else { throw .malformedNumber }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (difference, isBeyond) = product.subtractingReportingOverflow(Int64(digit - 0x30))
            guard !isTooLarge, !isBeyond else { throw .malformedNumber }
            value = difference
        }
        if isNegative { return value }
        guard value != .min else { throw .malformedNumber }
        return -value
    }

    private static func double(_ text: ArraySlice<UInt8>) throws(RESPError) -> Double {
        let text = String(decoding: text, as: UTF8.self)
        switch text {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan": return .nan
        default: break
        }
        guard text.utf8.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }), let value = Double(text) else {
            throw .malformedNumber
        }
        return value
    }

    /// Error texts may have bytes beyond ASCII, of commands and keys.
    private static func plain(_ text: ArraySlice<UInt8>) throws(RESPError) -> [UInt8] {
        guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { throw .malformedLine }
        return Array(text)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
