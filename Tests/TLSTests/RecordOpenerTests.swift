import Testing

@testable import TLS

@Suite("Received records of TLS 1.3") struct RecordOpenerTests {
    // The handshake of RFC 8448 §3.
    private let serverSecret = bytes("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    private let clientSecret = bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
    private let payload = [UInt8](0..<50)

    private func opener(
        _ secret: [UInt8]? = nil, _ cipher: RecordCipher = .aes128GCM, as role: RecordOpener.Role = .server,
        contentLimit: Int = RecordSealer.mostContent, recordLimit: UInt32 = 1000
    ) throws -> RecordOpener {
        guard let secret = TrafficSecret(secret ?? clientSecret, cipher),
            let keys = RecordKeys(secret, sequence: 0, contexts: RecordContexts(for: .opening))
        else { throw TLSError("make keys") }
        return RecordOpener(keys, as: role, contentLimit: contentLimit, recordLimit: recordLimit)
    }

    /// The results of records with these inner plaintexts.
    private func outcomes(
        _ inner: [[UInt8]], as role: RecordOpener.Role = .server, contentLimit: Int = RecordSealer.mostContent
    ) throws -> [Outcome] {
        var maker = try RecordMaker(clientSecret)
        var opener = try opener(as: role, contentLimit: contentLimit)
        var records: [[UInt8]] = []
        for plain in inner { records.append(maker.record(plain)) }
        return TLSTests.outcomes(of: records, &opener)
    }

    // MARK: RFC 8448

    @Test func `The client's records of RFC 8448 are opened`() throws {
        var opener = try opener(clientSecret)
        let records = [
            bytes(
                "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b"
                    + "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"),
            bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"),
        ]
        #expect(TLSTests.outcomes(of: records, &opener) == [.data(payload), .step(.closed)])
    }

    @Test func `The server's records of RFC 8448 are opened, its ticket first`() throws {
        var opener = try opener(serverSecret, as: .client)
        let records = [
            bytes(
                "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db289a015940"
                    + "252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e09c30ba1e62"
                    + "972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db2f0a77f81b5ab05b94c0"
                    + "1346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74bc2697687e248746d6"
                    + "df353005f3bce18696129c8153556b3b6c6779b37bf15985684f"),
            bytes(
                "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8"
                    + "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"),
            bytes("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"),
        ]
        #expect(TLSTests.outcomes(of: records, &opener) == [.step(.ticket), .data(payload), .step(.closed)])
    }

    // MARK: The table of alerts

    @Test(arguments: [
        (inner: [104, 105, 23] as [UInt8], outcome: Outcome.data([104, 105])),
        (inner: [104, 105, 23, 0, 0, 0, 0, 0], outcome: .data([104, 105])),
        (inner: [0, 0, 23], outcome: .data([0, 0])),
        (inner: [23], outcome: .step(.nothing)),
        (inner: [0], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [UInt8](repeating: 0, count: 1000), outcome: .step(.refused(.unexpectedMessage))),
        (inner: [1, 20], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [1, 24], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [1, 255], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [1, 0, 21], outcome: .step(.closed)),
        (inner: [2, 0, 21], outcome: .step(.closed)),
        (inner: [1, 90, 21], outcome: .step(.nothing)),
        (inner: [2, 40, 21], outcome: .step(.ended(40))),
        (inner: [1, 40, 21], outcome: .step(.ended(40))),
        (inner: [2, 199, 21], outcome: .step(.ended(199))),
        (inner: [21], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [21, 0, 0], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [2, 21], outcome: .step(.refused(.decodeError))),
        (inner: [1, 0, 1, 0, 21], outcome: .step(.refused(.decodeError))),
        (inner: [22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [22, 0], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [24, 0, 0, 1, 0, 22], outcome: .step(.keyUpdate(isAnswerWanted: false))),
        (inner: [24, 0, 0, 1, 1, 22], outcome: .step(.keyUpdate(isAnswerWanted: true))),
        (inner: [24, 0, 0, 1, 2, 22], outcome: .step(.refused(.illegalParameter))),
        (inner: [24, 0, 0, 1, 255, 22], outcome: .step(.refused(.illegalParameter))),
        (inner: [24, 0, 0, 0, 22], outcome: .step(.refused(.decodeError))),
        (inner: [24, 0, 0, 2, 0, 0, 22], outcome: .step(.refused(.decodeError))),
        (inner: [24, 1, 0, 1, 0, 22], outcome: .step(.refused(.decodeError))),
        (inner: [24, 0, 0, 1, 0, 24, 22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [24, 0, 0, 1, 0, 24, 0, 0, 1, 0, 22], outcome: .step(.refused(.unexpectedMessage))),
        // A ticket, a hello, a certificate, Finished and an unassigned number, from a client.
        (inner: [4, 0, 0, 20, 22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [1, 0, 0, 1, 0, 22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [11, 22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [20, 22], outcome: .step(.refused(.unexpectedMessage))),
        (inner: [99, 22], outcome: .step(.refused(.unexpectedMessage))),
    ])
    func `What stands in a record decides what becomes of the connection`(_ inner: [UInt8], _ outcome: Outcome) throws {
        #expect(try outcomes([inner]) == [outcome])
    }

    @Test(arguments: RecordCipher.allCases) func `A record that was changed anywhere is refused`(
        _ cipher: RecordCipher
    ) throws {
        let secret = [UInt8](repeating: 7, count: cipher.secretSize)
        var maker = try RecordMaker(secret, cipher)
        let record = maker.record([1, 2, 3, 23])
        for index in RecordHeader.size..<record.count {
            var opener = try opener(secret, cipher)
            var changed = record
            changed[index] ^= 1
            #expect(outcome(of: changed, &opener) == .step(.refused(.badRecordMAC)))
        }
        var opener = try opener(secret, cipher)
        #expect(outcome(of: record, &opener) == .data([1, 2, 3]))
    }

    @Test(arguments: RecordCipher.allCases) func `A record without room for type and tag is refused, whatever its tag`(
        _ cipher: RecordCipher
    ) throws {
        let secret = [UInt8](repeating: 7, count: cipher.secretSize)
        for count in 0...16 {
            var opener = try opener(secret, cipher)
            let record = [23, 3, 3, 0, UInt8(count)] + [UInt8](repeating: 9, count: count)
            #expect(outcome(of: record, &opener) == .step(.refused(.badRecordMAC)))
        }
        // Its tag is valid, and protects nothing.
        var maker = try RecordMaker(secret, cipher)
        var opener = try opener(secret, cipher)
        #expect(outcome(of: maker.record([]), &opener) == .step(.refused(.badRecordMAC)))
    }

    @Test func `A record in clear is refused by its header alone`() {
        func frame(_ header: [UInt8]) -> RecordOpener.Frame {
            header.withBytes { RecordOpener.frame($0) }
        }
        for type in UInt8.min...UInt8.max where type != 23 {
            #expect(frame([type, 3, 3, 0, 1]) == .refused(.unexpectedMessage))
        }
        #expect(frame([23, 3, 3, 65, 0]) == .record(16645))
        #expect(frame([23, 3, 3, 65, 1]) == .refused(.recordOverflow))
        #expect(frame([23, 3, 3, 255, 255]) == .refused(.recordOverflow))
        // The version has no meaning (RFC 8446 §5.1).
        #expect(frame([23, 3, 1, 0, 30]) == .record(35))
        for count in 0..<5 { #expect(frame([UInt8]([23, 3, 3, 0, 30].prefix(count))) == .incomplete) }
    }

    @Test func `Content, type and padding have a common limit`() throws {
        let most = [UInt8](repeating: 1, count: 16384)
        #expect(try outcomes([most + [23]]) == [.data(most)])
        let cases = [
            most + [23, 0], most + [1, 23], most[..<16000] + [23] + [UInt8](repeating: 0, count: 385),
            [UInt8](repeating: 0, count: 16386),
        ]
        for inner in cases { #expect(try outcomes([inner]) == [.step(.refused(.recordOverflow))]) }
        #expect(
            try outcomes([most[..<16000] + [23] + [UInt8](repeating: 0, count: 384)]) == [.data(Array(most[..<16000]))])
    }

    @Test func `A negotiated limit counts content alone`() throws {
        let most = [UInt8](repeating: 1, count: 512)
        #expect(try outcomes([most + [23] + [UInt8](repeating: 0, count: 900)], contentLimit: 512) == [.data(most)])
        #expect(try outcomes([most + [1, 23]], contentLimit: 512) == [.step(.refused(.recordOverflow))])
    }

    @Test func `Records without content are bounded`() throws {
        let empty = [[UInt8]](repeating: [23], count: RecordOpener.mostEmptyRecords)
        #expect(try outcomes(empty + [[1, 23]] + empty).allSatisfy { $0 == .step(.nothing) || $0 == .data([1]) })
        #expect(try outcomes(empty + [[23]]).last == .step(.refused(.unexpectedMessage)))
        let warnings = [[UInt8]](repeating: [1, 90, 21], count: RecordOpener.mostEmptyRecords)
        #expect(try outcomes(warnings + [[23]]).last == .step(.refused(.unexpectedMessage)))
    }

    // MARK: Messages

    @Test func `A message may come in any pieces, one after the other`() throws {
        let update: [UInt8] = [24, 0, 0, 1, 1]
        for split in 1..<update.count {
            let outcome = try outcomes([update[..<split] + [22], update[split...] + [22]])
            #expect(outcome == [.step(.nothing), .step(.keyUpdate(isAnswerWanted: true))])
        }
        #expect(try outcomes(update.map { [$0, 22] }).last == .step(.keyUpdate(isAnswerWanted: true)))
        for split in 1..<update.count {
            let outcome = try outcomes([update[..<split] + [22], [1, 23]])
            #expect(outcome == [.step(.nothing), .step(.refused(.unexpectedMessage))])
        }
    }

    @Test func `Keys follow each other, and former ones are good for nothing`() throws {
        var maker = try RecordMaker(clientSecret)
        var former = try RecordMaker(clientSecret, sequence: 1)
        var opener = try opener()
        for request in [0, 1, 1, 0, 1] as [UInt8] {
            let update = outcome(of: maker.record([24, 0, 0, 1, request, 22]), &opener)
            #expect(update == .step(.keyUpdate(isAnswerWanted: request == 1)))
            maker.advance()
            #expect(outcome(of: maker.record([request, 23]), &opener) == .data([request]))
        }
        #expect(outcome(of: former.record([1, 23]), &opener) == .step(.refused(.badRecordMAC)))
    }

    @Test func `Changes of keys without data between them are bounded`() throws {
        var maker = try RecordMaker(clientSecret)
        var opener = try opener()
        for _ in 0..<RecordOpener.mostKeyUpdates {
            #expect(
                outcome(of: maker.record([24, 0, 0, 1, 1, 22]), &opener) == .step(.keyUpdate(isAnswerWanted: true)))
            maker.advance()
        }
        let last = outcome(of: maker.record([24, 0, 0, 1, 1, 22]), &opener)
        #expect(last == .step(.refused(.unexpectedMessage)))
    }

    @Test func `A client takes tickets in any pieces, several in a record too`() throws {
        let ticket: [UInt8] = [4, 0, 0, 20] + [UInt8](repeating: 5, count: 20)
        #expect(try outcomes([ticket + ticket + [22]], as: .client) == [.step(.ticket)])
        for split in 5..<ticket.count {
            let outcome = try outcomes([ticket[..<split] + [22], ticket[split...] + [22], [1, 23]], as: .client)
            #expect(outcome == [.step(.ticket), .step(.ticket), .data([1])])
        }
        #expect(
            try outcomes([ticket + [24, 0, 0, 1, 1, 22]], as: .client) == [.step(.keyUpdate(isAnswerWanted: true))])
        let refused = try outcomes([ticket[..<9] + [22], [1, 23]], as: .client)
        #expect(refused.last == .step(.refused(.unexpectedMessage)))
        for length in [0, 13] as [UInt8] {
            #expect(try outcomes([[4, 0, 0, length, 22]], as: .client) == [.step(.refused(.decodeError))])
        }
        #expect(try outcomes([[4, 2, 2, 0, 22]], as: .client) == [.step(.refused(.decodeError))])
        // A server requests a certificate after the handshake only if that was offered.
        #expect(try outcomes([[13, 22]], as: .client) == [.step(.refused(.unexpectedMessage))])
    }

    // MARK: Limits of keys

    @Test func `The peer is asked for new keys once, and refused when it goes on with the old ones`() throws {
        var maker = try RecordMaker(clientSecret)
        var opener = try opener(recordLimit: 8)
        var wishes: [Bool] = []
        for number in UInt8(0)..<10 {
            #expect(outcome(of: maker.record([number, 23]), &opener) == .data([number]))
            wishes.append(opener.takeUpdateWish())
        }
        #expect(wishes == (0..<10).map { $0 == 7 })
        #expect(outcome(of: maker.record([1, 23]), &opener) == .step(.refused(.internalError)))
    }
}
