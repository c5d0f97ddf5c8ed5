import Memory

@testable import TLS

/// Seals records of any content, valid or not, as a faulty peer would.
@safe
struct RecordMaker: ~Copyable {
    private var keys: RecordKeys

    init(_ secret: [UInt8], _ cipher: RecordCipher = .aes128GCM, sequence: UInt32 = 0) throws {
        guard let secret = TrafficSecret(secret, cipher),
            let keys = RecordKeys(secret, sequence: sequence, contexts: RecordContexts(for: .sealing))
        else { throw TLSError("make keys") }
        self.keys = keys
    }

    /// The next record with the given content, type and padding.
    mutating func record(_ inner: [UInt8]) -> [UInt8] {
        let length = inner.count + RecordHeader.tag
        let header: [UInt8] = [23, 3, 3, UInt8(length >> 8), UInt8(length & 0xff)]
        var body = [UInt8](repeating: 0, count: length)
        let context = keys.context()!
        BytesOfValues.with(keys.nonce) { nonce in _ = context.beginSealing(nonce) }
        _ = unsafe context.update(nil, header, header.count)
        body.withMutableBytes { body in
            let start = unsafe body.baseAddress!.assumingMemoryBound(to: UInt8.self)
            if !inner.isEmpty { _ = unsafe context.update(start, inner, inner.count) }
            _ = unsafe context.finishSealing(start + inner.count, RecordHeader.tag)
        }
        keys.count()
        return header + body
    }

    mutating func advance() { _ = keys.advance() }
}

/// The results of records, one after the other, until the connection ended.
func outcomes(of records: [[UInt8]], _ opener: inout RecordOpener) -> [Outcome] {
    var outcomes: [Outcome] = []
    for record in records {
        let outcome = outcome(of: record, &opener)
        outcomes.append(outcome)
        if case .step(.refused) = outcome { break }
    }
    return outcomes
}

func outcome(of record: [UInt8], _ opener: inout RecordOpener) -> Outcome {
    switch record.withBytes({ RecordOpener.frame($0) }) {
    case .incomplete: return .step(.nothing)
    case .refused(let alert): return .step(.refused(alert))
    case .record(let length):
        guard length == record.count else { return .step(.nothing) }
        var output = [UInt8](repeating: 0, count: length)
        let step = record.withBytes { record in
            output.withMutableBytes { opener.open(record, into: $0) }
        }
        if case .data(let count) = step { return .data(Array(output[..<count])) }
        return .step(step)
    }
}

enum Outcome: Equatable {
    case data([UInt8])
    case step(RecordOpener.Step)
}
