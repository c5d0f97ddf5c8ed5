import Memory

/// libFuzzer target: replies of Redis have the same meaning whole and in pieces, and what is a list of texts is the
/// command with these texts.
@c(LLVMFuzzerTestOneInput)
public func fuzzRESP(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    // An allocation of exactly the input's size lets AddressSanitizer see the first byte read beyond it.
    let input = OwnedBytes(count: max(size, 1))
    if let data, size > 0 { input.room.baseAddress!.copyMemory(from: data, byteCount: size) }
    let bytes = input.view[..<size]

    let whole = parse([bytes])
    precondition(parse((0..<size).map { bytes[$0..<$0 + 1] }) == whole, "pieces changed the meaning")
    let half = size / 2
    precondition(parse([bytes[..<half], bytes[half...]]) == whole, "a cut changed the meaning")

    for case .array(let elements) in whole.replies {
        let texts = elements.compactMap { if case .bulk(let text) = $0 { text } else { nil } }
        guard texts.count == elements.count else { continue }
        let command = RedisCommand(texts)
        let again = command.bytes.withBytes { parse([$0], limits: Outcome.roomy) }
        precondition(again == Outcome(replies: [.array(elements)], error: nil))
    }
    return 0
}

private struct Outcome: Equatable {
    var replies: [RESPValue] = []
    var error: RESPError?

    static var tight: RESPParser.Limits {
        var limits = RESPParser.Limits()
        limits.reply = 1024
        limits.elements = 32
        limits.depth = 3
        limits.line = 128
        return limits
    }

    /// For lists that are written differently: lengths may have had zeros in front.
    static var roomy: RESPParser.Limits { RESPParser.Limits() }

    /// A number that is not one equals nothing, itself included.
    static func == (left: Outcome, right: Outcome) -> Bool {
        left.error == right.error && "\(left.replies)" == "\(right.replies)"
    }
}

private func parse(_ pieces: [ByteView], limits: RESPParser.Limits = Outcome.tight) -> Outcome {
    var parser = RESPParser(limits)
    var outcome = Outcome()
    for piece in pieces {
        parser.append(piece)
        do throws(RESPError) {
            while let reply = try parser.next() { outcome.replies.append(reply) }
        } catch {
            outcome.error = error
            return outcome
        }
    }
    return outcome
}
