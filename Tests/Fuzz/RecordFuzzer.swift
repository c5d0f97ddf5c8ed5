import COpenSSL
import Memory

/// libFuzzer target: a peer's bytes after a TLS 1.3 handshake have the same result in any pieces, and never yield
/// content outside their record.
///
/// The first byte determines the cipher, the role and whether a limit was negotiated, the next two where the input is
/// split. The rest is a list of parts: a kind, a length, and so many bytes, which are sent unchanged or protected as
/// the next record.
@c(LLVMFuzzerTestOneInput)
public func fuzzRecords(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 3 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    let setting = Setting(input[0])
    let received = setting.protect(input[3...])
    let split = min(Int(input[1]) << 8 | Int(input[2]), received.count)
    let whole = read(received, setting, pausingAt: [])
    precondition(read(received, setting, pausingAt: [split]) == whole, "the split changed what came")
    if received.count < 300 {
        let drip = Array(0..<received.count)
        precondition(read(received, setting, pausingAt: drip) == whole, "the drip changed what came")
    }
    return 0
}

private struct Setting {
    let cipher: RecordCipher
    let role: RecordOpener.Role
    let contentLimit: Int

    init(_ byte: UInt8) {
        cipher = RecordCipher.allCases[Int(byte & 3) % RecordCipher.allCases.count]
        role = byte & 4 == 0 ? .server : .client
        contentLimit = byte & 8 == 0 ? RecordSealer.mostContent : 512
    }

    func keys(for direction: RecordContexts.Direction) -> RecordKeys {
        let secret = TrafficSecret([UInt8](repeating: 7, count: cipher.secretSize), cipher)!
        return RecordKeys(secret, sequence: 0, contexts: RecordContexts(for: direction))!
    }

    /// The bytes of the parts of an input.
    func protect(_ parts: ArraySlice<UInt8>) -> [UInt8] {
        var keys = keys(for: .sealing)
        defer { keys.forget() }
        var rest = parts
        var bytes: [UInt8] = []
        while rest.count >= 2 {
            let kind = rest.removeFirst()
            let part = Array(rest.dropFirst().prefix(Int(rest.removeFirst())))
            rest = rest.dropFirst(part.count)
            switch kind % 4 {
            case 0: bytes += part
            case 1: bytes += keys.protect(part)
            case 2: bytes += keys.protect(part + [UInt8](repeating: kind, count: 64 * Int(kind)) + [23])
            default:
                bytes += keys.protect([24, 0, 0, 1, kind & 4 == 0 ? 0 : 1, 22])
                _ = keys.advance()
            }
        }
        return bytes
    }
}

extension RecordKeys {
    fileprivate mutating func protect(_ inner: [UInt8]) -> [UInt8] {
        let length = inner.count + RecordHeader.tag
        let header: [UInt8] = [23, 3, 3, UInt8(length >> 8), UInt8(length & 0xff)]
        var body = [UInt8](repeating: 0, count: length)
        let context = context()!
        BytesOfValues.with(nonce) { nonce in _ = context.beginSealing(nonce) }
        _ = context.update(nil, header, header.count)
        body.withUnsafeMutableBytes { body in
            let start = body.baseAddress!.assumingMemoryBound(to: UInt8.self)
            if !inner.isEmpty { _ = context.update(start, inner, inner.count) }
            _ = context.finishSealing(start + inner.count, RecordHeader.tag)
        }
        count()
        return header + body
    }
}

/// The result of the records, and how the connection ended.
private struct Outcome: Equatable {
    var content: [UInt8] = []
    var steps: [String] = []
}

private func read(_ input: [UInt8], _ setting: Setting, pausingAt pauses: [Int]) -> Outcome {
    var opener = RecordOpener(
        setting.keys(for: .opening), as: setting.role, contentLimit: setting.contentLimit, recordLimit: 1000)
    defer { opener.forget() }
    var outcome = Outcome()
    var consumed = 0
    for end in pauses + [input.count] {
        while true {
            // A block of exactly this size reveals accesses outside of it.
            let block = OwnedBytes(count: max(end - consumed, 1))
            input[consumed..<end].withBytes { block.room.copy($0) }
            let rest = block.view[..<(end - consumed)]
            guard case .record(let length) = RecordOpener.frame(rest), length <= rest.count else {
                if case .refused(let alert) = RecordOpener.frame(rest) {
                    outcome.steps.append("refused \(alert)")
                    return outcome
                }
                break
            }
            let record = rest[..<length]
            let step = opener.open(record, into: block.room[RecordHeader.size...])
            outcome.steps.append("\(step)")
            switch step {
            case .data(let count):
                precondition(count > 0 && count <= min(setting.contentLimit, length - 22), "content in no record")
                outcome.content += block.view[RecordHeader.size..<RecordHeader.size + count]
            case .closed, .ended, .refused: return outcome
            case .ticket: precondition(setting.role == .client, "a client gives no tickets")
            case .nothing, .keyUpdate: break
            }
            consumed += length
        }
    }
    return outcome
}
