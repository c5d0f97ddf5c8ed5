import Memory

/// libFuzzer target: a request head has one verdict, whole or in pieces, and never has a slice outside itself.
///
/// The first two bytes determine where the input is split; the rest is the client's bytes.
@c(LLVMFuzzerTestOneInput)
public func fuzzRequestHead(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 2 else { return 0 }
    let count = size - 2
    let split = min(Int(data[0]) << 8 | Int(data[1]), count)
    // An allocation of exactly the input's size lets AddressSanitizer see the first byte read beyond it.
    let input = OwnedBytes(count: max(count, 1))
    if count > 0 { input.room.baseAddress!.copyMemory(from: data + 2, byteCount: count) }
    let received = input.view[..<count]

    let limits = HeadLimits(maximumHead: 2048, maximumRequestLine: 512, maximumFields: 16)
    let whole = verdict(on: received, pausingAt: [], limits)
    precondition(verdict(on: received, pausingAt: [split], limits) == whole, "the split changed the verdict")
    precondition(verdict(on: received, pausingAt: Array(0..<count), limits) == whole, "the drip changed the verdict")
    return 0
}

private enum Verdict: Equatable {
    case incomplete
    case refused(RequestRejection)
    /// The head in a form that can be compared, and its field slices.
    case complete(String, [String])
}

private func verdict(on input: ByteView, pausingAt pauses: [Int], _ limits: HeadLimits) -> Verdict {
    var parser = RequestParser(limits: limits)
    do {
        for end in pauses + [input.count] where try parser.parse(input.bytes.extracting(first: end)) {
            var fields: [String] = []
            for index in 0..<parser.head.fieldCount {
                let field = parser.field(at: index)
                // The value of Host is the authority of an absolute target (RFC 9112 §3.2.2).
                precondition(
                    field.name.range.upperBound <= field.value.range.lowerBound
                        || parser.head.form == .absolute && field.value == parser.head.authority)
                precondition(field.value.range.upperBound <= parser.head.length - 4)
                let value = input[field.value.range].bytes
                precondition(FieldSyntax.isValidValue(value))
                fields.append("\(field)")
            }
            check(parser.head, input, limits)
            return .complete("\(parser.head)", fields)
        }
        return .incomplete
    } catch {
        return .refused(error)
    }
}

private func check(_ head: RequestHead, _ input: ByteView, _ limits: HeadLimits) {
    precondition(head.length <= input.count && head.length <= limits.maximumHead)
    precondition(input[head.length - 4..<head.length].elementsEqual("\r\n\r\n".utf8), "a head ends in an empty line")
    for slice in [head.methodToken, head.target, head.path, head.query, head.authority] {
        precondition(slice.range.upperBound <= head.length)
    }
    guard head.form == .origin || head.form == .absolute else { return }
    let path = input[head.path.range]
    let normal = OwnedBytes(count: path.count)
    guard let count = try? PathNormalizer.normalize(path.bytes, into: normal.room) else { return }
    let written = normal.view[..<count]
    precondition(written.first == 0x2F)
    let segments = written.split(separator: 0x2F)
    precondition(!segments.contains { $0.elementsEqual("..".utf8) || $0.elementsEqual(".".utf8) })
    if PathNormalizer.isNormal(path.bytes) { precondition(written.elementsEqual(path)) }
}
