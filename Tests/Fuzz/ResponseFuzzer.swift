import Memory

/// libFuzzer target: a server's bytes have one verdict, whole or in pieces, and never have a slice outside themselves.
///
/// The first byte determines whether the request was HEAD, the next two where the input is split; the rest is the
/// response.
@c(LLVMFuzzerTestOneInput)
public func fuzzResponse(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 3 else { return 0 }
    let count = size - 3
    let toHEAD = data[0] & 1 == 1
    let split = min(Int(data[1]) << 8 | Int(data[2]), count)
    let input = OwnedBytes(count: max(count, 1))
    if count > 0 { input.room.baseAddress!.copyMemory(from: data + 3, byteCount: count) }
    let received = input.view[..<count]

    let whole = read(received, toHEAD, pausingAt: [])
    precondition(read(received, toHEAD, pausingAt: [split]) == whole, "the split changed the response")
    precondition(read(received, toHEAD, pausingAt: Array(0..<count)) == whole, "the drip changed the response")
    return 0
}

/// The result of a response: its head in a form that can be compared, its content, where it ended, why it was refused.
private struct Outcome: Equatable {
    var head: String?
    var content: [UInt8] = []
    var trailers: [[UInt8]] = []
    var end: Int?
    var refusal: ResponseRejection?
}

private func read(_ input: ByteView, _ toHEAD: Bool, pausingAt pauses: [Int]) -> Outcome {
    var parser = ResponseParser(limits: HeadLimits(maximumHead: 2048, maximumRequestLine: 2048, maximumFields: 16))
    var outcome = Outcome()
    var body: ResponseBody?
    var consumed = 0
    do throws(ResponseRejection) {
        for end in pauses + [input.count] {
            if body == nil {
                guard try parser.parse(input.bytes.extracting(first: end), toHEAD: toHEAD) else { continue }
                check(parser, input)
                outcome.head = "\(parser.head)"
                consumed = parser.head.length
                body = ResponseBody(parser.head.framing)
            }
            if try readBody(&body!, input, upTo: end, &consumed, &outcome) { return outcome }
        }
    } catch {
        outcome.refusal = error
    }
    return outcome
}

private func readBody(
    _ body: inout ResponseBody, _ input: ByteView, upTo end: Int, _ consumed: inout Int,
    _ outcome: inout Outcome
) throws(ResponseRejection) -> Bool {
    while true {
        let rest = input[consumed..<end]
        switch try body.next(rest.bytes) {
        case .content(let range):
            precondition(!range.isEmpty, "a step without progress")
            outcome.content += rest[range]
            consumed += range.upperBound
        case .trailer(let range):
            outcome.trailers.append(Array(rest[range]))
            consumed += range.upperBound + 2
        case .receive(let count):
            consumed += count
            return false
        case .ended(let count):
            outcome.end = consumed + count
            return true
        }
    }
}

private func check(_ parser: borrowing ResponseParser, _ input: ByteView) {
    let head = parser.head
    precondition(head.length <= input.count && (100...599).contains(head.status))
    precondition(input[head.length - 4..<head.length].elementsEqual("\r\n\r\n".utf8), "a head ends in an empty line")
    for field in parser.fields {
        precondition(field.value.range.upperBound <= head.length - 4)
        precondition(FieldSyntax.isValidValue(input[field.value.range].bytes))
    }
}
