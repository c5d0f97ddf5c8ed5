/// The meaning of the fields parsed so far for the request: its host, its framing, its connection.
///
/// Each field is processed when it is parsed; what depends on several fields is determined once, when the head is
/// complete.
struct FieldMeaning: BitwiseCopyable {
    private var host: Slice?
    private var contentLength: UInt64?
    private var transferEncoding = TransferEncoding.absent
    private var close = false
    private var keepAlive = false
    private var expectation = Expectation.none

    private enum TransferEncoding: BitwiseCopyable { case absent, chunked, unknown, repeated }
    private enum Expectation: BitwiseCopyable { case none, continuation, unknown }

    mutating func take(_ field: FieldSlice, in input: RawSpan) throws(RequestRejection) {
        let range = field.value.range
        let (start, end) = (range.lowerBound, range.upperBound)
        switch field.known {
        case .host:
            guard host == nil else { throw .duplicateHost }
            guard HostSyntax.isValid(input, from: start, to: end, port: .optional) else { throw .invalidHost }
            host = field.value
        case .contentLength:
            guard contentLength == nil else { throw .conflictingContentLength }
            contentLength = try Self.length(input, from: start, to: end)
        case .transferEncoding:
            if transferEncoding == .absent {
                transferEncoding = input.equals("chunked", from: start, to: end) ? .chunked : .unknown
            } else {
                transferEncoding = .repeated
            }
        case .connection:
            takeOptions(input, from: start, to: end)
        case .expect:
            let known = input.equals("100-continue", from: start, to: end) && expectation != .unknown
            expectation = known ? .continuation : .unknown
        case .contentType, .other:
            break
        }
    }

    func apply(to head: inout RequestHead) throws(RequestRejection) {
        if let host {
            if head.authority.isEmpty { head.authority = host }
        } else if head.version == .http11 {
            throw .missingHost
        }
        head.framing = try framing(on: head.version)
        head.keepAlive = !close && (head.version == .http11 || keepAlive)
        head.expectsContinue = try expectsContinue(head)
    }

    /// A message with both lengths, or with a coding that an older peer would ignore, can be used to smuggle requests
    /// past a proxy (RFC 9112 §6.1, §11.2); all of them are rejected instead of repaired.
    private func framing(on version: HTTPVersion) throws(RequestRejection) -> BodyFraming {
        guard transferEncoding != .absent else {
            if let contentLength { return .length(contentLength) }
            return .none
        }
        if version == .http10 { throw .transferEncodingOnHTTP10 }
        if contentLength != nil { throw .contentLengthWithTransferEncoding }
        if transferEncoding == .repeated { throw .repeatedTransferEncoding }
        if transferEncoding == .unknown { throw .unknownTransferCoding }
        return .chunked
    }

    /// An HTTP/1.0 client cannot use Expect, and without a body there is nothing to wait for (RFC 9110 §10.1.1).
    private func expectsContinue(_ head: RequestHead) throws(RequestRejection) -> Bool {
        guard head.version == .http11, expectation != .none else { return false }
        if expectation == .unknown { throw .unknownExpectation }
        return head.framing != .none && head.framing != .length(0)
    }

    /// Parses a length in bytes: digits only, and a value that fits a signed 64-bit offset (RFC 9110 §8.6).
    static func length(_ input: RawSpan, from start: Int, to end: Int) throws(RequestRejection) -> UInt64 {
        var offset = start
        while offset < end - 1, input.byte(at: offset) == 0x30 { offset += 1 }
        // 19 digits never overflow 64 bits.
        guard start < end, end - offset <= 19 else { throw .invalidContentLength }
        var value: UInt64 = 0
        while offset < end {
            let byte = input.byte(at: offset)
            guard isDigit(byte) else { throw .invalidContentLength }
            value = value &* 10 &+ UInt64(byte &- 0x30)
            offset += 1
        }
        guard value <= UInt64(Int64.max) else { throw .invalidContentLength }
        return value
    }

    /// Processes the connection options that the gateway supports, from a comma-separated list (RFC 9110 §7.6.1).
    private mutating func takeOptions(_ input: RawSpan, from start: Int, to end: Int) {
        input.forEachElement(from: start, to: end) { start, end in
            if input.equals("close", from: start, to: end) {
                close = true
            } else if input.equals("keep-alive", from: start, to: end) {
                keepAlive = true
            }
        }
    }
}
