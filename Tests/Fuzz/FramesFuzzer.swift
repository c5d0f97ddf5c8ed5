import Memory

/// libFuzzer target: an HTTP/2 connection produces the same events and responses whether the bytes come whole or in
/// pieces; no input makes it buffer or send more than the limits.
///
/// The first two bytes determine where the input is split; the rest is the client's bytes after its preface and
/// SETTINGS.
@c(LLVMFuzzerTestOneInput)
public func fuzzFrames(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 2 else { return 0 }
    let count = size - 2
    let split = min(Int(data[0]) << 8 | Int(data[1]), count)
    let greeting = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
    let input = OwnedBytes(count: greeting.count + count)
    input.room.copy(greeting)
    if count > 0 { (input.room.baseAddress! + greeting.count).copyMemory(from: data + 2, byteCount: count) }
    let received = input.view

    let whole = outcome(of: received, pausingAt: [])
    precondition(outcome(of: received, pausingAt: [greeting.count + split]) == whole, "the split changed the outcome")
    precondition(outcome(of: received, pausingAt: Array(0..<received.count)) == whole, "the drip changed the outcome")
    return 0
}

private struct Outcome: Equatable {
    var events: [String] = []
    var content: [UInt32: [UInt8]] = [:]
    var sent: [UInt8] = []
}

private func outcome(of input: ByteView, pausingAt pauses: [Int]) -> Outcome {
    var limits = HTTP2Limits()
    limits.head = HeadLimits(maximumHead: 1024, maximumRequestLine: 256, maximumFields: 8)
    limits.maximumStreams = 4
    limits.initialWindow = 256
    limits.largestWindow = 512
    limits.connectionWindow = 70_000
    var connection = HTTP2Connection(limits: SharedHTTP2Limits(limits), now: 0)
    var request = RequestAssembly(limits: limits.head)
    var output = OutputBuffer()
    connection.begin(to: &output)
    var outcome = Outcome()
    var offset = 0
    for end in pauses + [input.count] {
        let bytes = input[..<end].bytes
        while true {
            let before = offset
            let event = connection.next(bytes, from: &offset, into: &request, output: &output, now: 0)
            precondition(offset >= before && offset <= end)
            precondition(connection.streams.count <= limits.maximumStreams && output.count < 1 << 20)
            if event == .receive { break }
            take(event, input, request, &outcome)
            // Content is used when it is complete: the opening of windows must not depend on the pieces.
            if case .content(let stream, _, endsStream: true) = event {
                connection.useContent(outcome.content[stream.id]?.count ?? 0, of: stream, to: &output)
                answer(stream, &connection, &output)
            }
            if case .request(let stream, endsStream: true) = event { answer(stream, &connection, &output) }
            guard case .failed = event else { continue }
            outcome.sent = Array(output.unsent)
            return outcome
        }
    }
    outcome.sent = Array(output.unsent)
    return outcome
}

private func answer(_ stream: StreamReference, _ connection: inout HTTP2Connection, _ output: inout OutputBuffer) {
    guard let head = connection.beginHead(status: 200, of: stream, to: &output) else { return }
    connection.writeFields(ByteView(), to: &output)
    connection.endHead(at: head, of: stream, endsStream: stream.id % 4 == 1, to: &output)
    if stream.id % 4 != 1 { connection.setWantsToSend(true, stream) }
}

private func take(
    _ event: HTTP2Event, _ input: ByteView, _ request: borrowing RequestAssembly,
    _ outcome: inout Outcome
) {
    switch event {
    case .content(let stream, let range, let ends):
        // Pieces of content, of which there are more when fed byte by byte, are concatenated.
        outcome.content[stream.id, default: []] += input[range]
        if ends { outcome.events.append("end of \(stream.id)") }
    case .request, .trailers:
        outcome.events.append("\(event) \(String(decoding: request.fields.text, as: UTF8.self))")
    default:
        outcome.events.append("\(event)")
    }
}
