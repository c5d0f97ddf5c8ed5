import Memory

/// libFuzzer target: a chunked body yields the same data and the same verdict, whole or in pieces.
///
/// The first two bytes determine where the input is split; the rest is the client's bytes.
@c(LLVMFuzzerTestOneInput)
public func fuzzChunkedBody(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 2 else { return 0 }
    let count = size - 2
    let split = min(Int(data[0]) << 8 | Int(data[1]), count)
    // An allocation of exactly the input's size lets AddressSanitizer see the first byte read beyond it.
    let input = OwnedBytes(count: max(count, 1))
    if count > 0 { input.room.baseAddress!.copyMemory(from: data + 2, byteCount: count) }
    let received = input.view[..<count]

    let whole = decode(received, pausingAt: [])
    precondition(decode(received, pausingAt: [split]) == whole, "the split changed the outcome")
    precondition(decode(received, pausingAt: Array(0..<count)) == whole, "the drip changed the outcome")
    return 0
}

private struct Outcome: Equatable {
    var data: [UInt8] = []
    /// Bytes of the body, once it has ended.
    var length: Int?
    var trailers: [[UInt8]] = []
    var refusal: RequestRejection?
}

private func decode(_ input: ByteView, pausingAt pauses: [Int]) -> Outcome {
    var decoder = ChunkedDecoder()
    var outcome = Outcome()
    var consumed = 0
    for end in pauses + [input.count] {
        var waiting = false
        while !waiting {
            let rest = input[consumed..<end]
            do throws(RequestRejection) {
                switch try decoder.decode(rest.bytes) {
                case .data(let range):
                    precondition(!range.isEmpty, "a step without progress")
                    outcome.data += rest[range]
                    consumed += range.upperBound
                case .trailer(let range):
                    precondition(!range.isEmpty, "a step without progress")
                    outcome.trailers.append(Array(rest[range]))
                    consumed += range.upperBound + 2
                case .needsMore(let count):
                    consumed += count
                    waiting = true
                case .end(let count):
                    outcome.length = consumed + count
                    return outcome
                }
            } catch {
                outcome.refusal = error
                return outcome
            }
        }
    }
    return outcome
}
