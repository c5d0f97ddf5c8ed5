/// A decoder of the chunked transfer coding (RFC 9112 §7.1), as a value: it reads bytes and returns ranges of body
/// data.
///
/// Each call takes the bytes not yet consumed. Size lines and trailer lines are consumed only when complete, so the
/// caller's buffer must have space for `maximumTrailers` bytes; data is consumed as it arrives. The search for the end
/// of a line continues where it stopped. Chunk extensions are validated and discarded, trailers are validated and
/// returned.
package struct ChunkedDecoder: BitwiseCopyable, Sendable {
    /// The maximum length of a chunk-size line in bytes, with its extensions and CRLF.
    package static var maximumLine: Int { 4 << 10 }
    /// The maximum length of the trailer section in bytes, including its empty line.
    package static var maximumTrailers: Int { 8 << 10 }
    /// The maximum number of hexadecimal digits of a size: 60 bits, which no body reaches and no sum overflows.
    package static var maximumSizeDigits: Int { 15 }

    /// The result of a call; `consumed` and the range are relative to the first byte passed to that call.
    package enum Step: Equatable, Sendable {
        /// The bytes in the range are body data; everything up to its end is consumed.
        case data(Range<Int>)
        /// The bytes in the range are a trailer field; everything up to and including the CRLF after it is consumed.
        case trailer(Range<Int>)
        /// Everything up to `consumed` has been processed; the rest is incomplete.
        case needsMore(consumed: Int)
        /// The body ended with the byte before `consumed`; the next request follows.
        case end(consumed: Int)
    }

    private var state = State.size
    /// The number of bytes of the incomplete line that contain no LF.
    private var searched = 0
    /// The number of bytes of complete trailer lines.
    private var trailerBytes = 0

    private enum State: BitwiseCopyable {
        case size
        case data(remaining: UInt64)
        case dataEnd, trailers, ended
    }

    package init() {}

    /// The number of bytes of the current chunk that are still to come, according to its size.
    package var announced: UInt64 {
        if case .data(let remaining) = state { remaining } else { 0 }
    }

    package mutating func decode(_ input: RawSpan) throws(RequestRejection) -> Step {
        var offset = 0
        while true {
            switch state {
            case .size:
                guard let end = try lineEnd(input, from: offset, limit: Self.maximumLine, else: .chunkLineTooLong)
                else { return .needsMore(consumed: offset) }
                let size = try Self.size(input, from: offset, to: end)
                offset = end + 2
                state = size == 0 ? .trailers : .data(remaining: size)
            case .data(let remaining):
                guard offset < input.byteCount else { return .needsMore(consumed: offset) }
                let count = Int(min(remaining, UInt64(input.byteCount - offset)))
                let left = remaining - UInt64(count)
                state = left == 0 ? .dataEnd : .data(remaining: left)
                return .data(offset..<offset + count)
            case .dataEnd:
                guard try Self.endsData(input, at: offset) else { return .needsMore(consumed: offset) }
                offset += 2
                state = .size
            case .trailers:
                let room = Self.maximumTrailers - trailerBytes
                guard let end = try lineEnd(input, from: offset, limit: room, else: .trailersTooLarge)
                else { return .needsMore(consumed: offset) }
                let line = offset..<end
                trailerBytes += end + 2 - offset
                offset = end + 2
                if line.isEmpty {
                    state = .ended
                } else {
                    try Self.checkTrailer(input, from: line.lowerBound, to: line.upperBound)
                    return .trailer(line)
                }
            case .ended:
                return .end(consumed: offset)
            }
        }
    }

    /// The offset of the CRLF that ends the line at `start`, nil while it is missing.
    private mutating func lineEnd(
        _ input: RawSpan, from start: Int, limit: Int, else rejection: RequestRejection
    ) throws(RequestRejection) -> Int? {
        let lineFeed = input.first(ASCII.lineFeed, from: start + searched, to: input.byteCount)
        guard lineFeed - start < limit else { throw rejection }
        guard lineFeed < input.byteCount else {
            searched = lineFeed - start
            return nil
        }
        searched = 0
        guard lineFeed > start, input.byte(at: lineFeed - 1) == ASCII.carriageReturn else { throw .bareLineFeed }
        return lineFeed - 1
    }

    /// Parses `chunk-size [chunk-ext]`; an extension begins with a semicolon, possibly after white space (RFC 9112
    /// §7.1.1).
    private static func size(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) -> UInt64 {
        let fault = input.first(from: start, to: end) { $0.controls }
        guard fault == end else {
            throw FieldSyntax.lineFault(input, from: start, to: end, otherwise: .invalidChunkSize)
        }
        var size: UInt64 = 0
        var offset = start
        while offset < end, let digit = hexValue(input.byte(at: offset)) {
            guard offset - start < maximumSizeDigits else { throw .invalidChunkSize }
            size = size << 4 | UInt64(digit)
            offset += 1
        }
        guard offset > start else { throw .invalidChunkSize }
        guard offset < end else { return size }
        var next = offset
        while next < end, isBlank(input.byte(at: next)) { next += 1 }
        guard next < end, input.byte(at: next) == ASCII.semicolon else { throw .invalidChunkSize }
        guard ChunkExtensions.isValid(input, from: offset, to: end) else { throw .invalidChunkExtension }
        return size
    }

    /// Whether the CRLF after chunk data is present; anything else in its place means that the size was wrong.
    private static func endsData(_ input: RawSpan, at offset: Int) throws(RequestRejection) -> Bool {
        let received = input.byteCount - offset
        if received > 0, input.byte(at: offset) != ASCII.carriageReturn { throw .invalidChunkEnd }
        if received > 1, input.byte(at: offset + 1) != ASCII.lineFeed { throw .invalidChunkEnd }
        return received > 1
    }

    private static func checkTrailer(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) {
        let name = try FieldSyntax.parse(input, from: start, to: end).name.range
        if isForbiddenInTrailers(input, from: name.lowerBound, to: name.upperBound) { throw .invalidTrailer }
    }

    /// A trailer must not contain fields that belong in the head: for framing, routing, authentication, or processing
    /// of the content (RFC 9110 §6.5.1).
    static func isForbiddenInTrailers(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        func isNamed(_ text: StaticString) -> Bool { input.equals(text, from: start, to: end) }
        return isNamed("content-length") || isNamed("transfer-encoding") || isNamed("host") || isNamed("connection")
            || isNamed("te") || isNamed("trailer") || isNamed("upgrade") || isNamed("expect") || isNamed("max-forwards")
            || isNamed("content-type") || isNamed("content-encoding") || isNamed("content-range") || isNamed("range")
            || isNamed("authorization") || isNamed("proxy-authorization") || isNamed("cookie")
            || isNamed("cache-control") || isNamed("keep-alive") || isNamed("proxy-connection")
    }
}
