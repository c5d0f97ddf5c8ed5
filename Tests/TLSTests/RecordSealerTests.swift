import COpenSSL
import Testing

@testable import TLS

@Suite("Records of TLS 1.3") struct RecordSealerTests {
    // The handshake of RFC 8448 §3.
    private let serverSecret = bytes("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    private let clientSecret = bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
    private let payload = [UInt8](0..<50)

    private func sealer(_ secret: [UInt8], sequence: UInt32 = 0, recordLimit: UInt32 = 100) throws -> RecordSealer {
        try makeSealer(
            .aes128GCM, secret, sequence: sequence, recordLimit: recordLimit, contexts: RecordContexts(for: .sealing))
    }

    private func makeSealer(
        _ cipher: RecordCipher, _ secret: [UInt8], sequence: UInt32 = 0, recordLimit: UInt32 = 100,
        contexts: RecordContexts
    ) throws -> RecordSealer {
        guard let secret = TrafficSecret(secret, cipher),
            let keys = RecordKeys(secret, sequence: sequence, contexts: contexts)
        else { throw TLSError("make a sealer") }
        return RecordSealer(keys, recordLimit: recordLimit)
    }

    @Test func `The client's records are those of RFC 8448`() throws {
        var sealer = try sealer(clientSecret)
        let (data, end) = (sealer.record(payload), sealer.record([1, 0], as: .alert))
        #expect(
            data
                == bytes(
                    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b"
                        + "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"))
        #expect(end == bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"))
    }

    @Test func `A server's record that follows its ticket is that of RFC 8448`() throws {
        var sealer = try sealer(serverSecret, sequence: 1)
        let record = sealer.record(payload)
        #expect(
            record
                == bytes(
                    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8"
                        + "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"))
    }

    @Test func `A secret of the wrong length is refused`() {
        for count in [0, 31, 33, 48] {
            let isRefused = TrafficSecret([UInt8](repeating: 1, count: count), .aes128GCM) == nil
            #expect(isRefused)
        }
    }

    @Test func `Keys are changed when they have been used enough, and the peer follows`() throws {
        let peer = try RecordPeer()
        var sealer = try sealer(peer.secret, sequence: peer.records, recordLimit: 3)
        for round in 0..<10 {
            if sealer.isUpdateDue { peer.take(sealer.update()) }
            let text = "round \(round)"
            peer.take(sealer.record(Array(text.utf8)))
            #expect(peer.read() == text)
        }
        #expect(peer.keyUpdates == 3)
    }

    @Test func `A record of two parts is that of both together`() throws {
        for count in [0, 1, 9, 50, 2000] {
            let content = [UInt8](repeating: 7, count: 3000)
            var whole = try sealer(serverSecret)
            var parts = try sealer(serverSecret)
            let record = parts.record(Array(content[count...]), after: Array(content[..<count]))
            let expected = whole.record(content)
            #expect(record == expected)
        }
    }

    @Test func `The record after one that was taken back has its number`() throws {
        var plain = try sealer(serverSecret)
        var other = try sealer(serverSecret)
        let records = [plain.record([1]), plain.record([4])]
        let first = other.record([1])
        _ = other.record([2, 3])
        other.takeBack()
        let second = other.record([4])
        #expect([first, second] == records)
    }

    @Test func `Connections that write once share a context, those that go on have one each`() throws {
        let contexts = RecordContexts(for: .sealing)
        for number in UInt8(1)..<100 {
            var sealer = try makeSealer(.aes128GCM, [UInt8](repeating: number, count: 32), contexts: contexts)
            _ = sealer.record(payload)
        }
        #expect(contexts.count == 1)
        var first = try makeSealer(.aes128GCM, clientSecret, contexts: contexts)
        var second = try makeSealer(.aes128GCM, serverSecret, contexts: contexts)
        for _ in 0..<3 {
            _ = first.record(payload)
            _ = second.record(payload)
        }
        #expect(contexts.count == 2)
    }

    @Test func `Contexts that others have taken are keyed again`() throws {
        let contexts = RecordContexts(for: .sealing)
        var first = try makeSealer(.aes128GCM, clientSecret, contexts: contexts)
        let whole = first.record(payload)
        for number in UInt8(0)..<UInt8(RecordContexts.limit) {
            let secret = [UInt8](repeating: number, count: 32)
            var other = try makeSealer(.chaCha20Poly1305, secret, contexts: contexts)
            let record = other.record(payload)
            #expect(record?.count == whole?.count && record != whole)
        }
        let second = first.record([1, 0], as: .alert)
        #expect(second == bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"))
    }
}

extension RecordSealer {
    fileprivate mutating func record(
        _ content: [UInt8], after head: [UInt8] = [], as type: ContentType = .applicationData
    ) -> [UInt8]? {
        var record = [UInt8](repeating: 0, count: head.count + content.count + Self.overhead)
        let count = record.withMutableBytes { record in
            content.withBytes { content in
                head.withBytes { seal(content, after: $0, as: type, into: record) }
            }
        }
        return count == record.count ? record : nil
    }

    fileprivate mutating func update() -> [UInt8]? {
        var record = [UInt8](repeating: 0, count: Self.updateSize)
        let count = record.withMutableBytes { sealUpdate(into: $0) }
        return count == record.count ? record : nil
    }
}

func bytes(_ hexadecimal: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = hexadecimal[...]
    while !rest.isEmpty {
        bytes.append(UInt8(rest.prefix(2), radix: 16)!)
        rest = rest.dropFirst(2)
    }
    return bytes
}
