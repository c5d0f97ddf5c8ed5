import Memory
import Testing

@testable import TLS

@Suite("The proof that no number is used twice") struct RecordProofTests {
    private let secret = [UInt8](repeating: 7, count: 32)
    private let clear: [UInt8] = [22, 3, 3, 0, 3, 1, 2, 3, 20, 3, 3, 0, 1, 1]

    private func logged(_ secret: [UInt8]) -> LoggedSecret {
        var logged = LoggedSecret()
        let digits = secret.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        digits.withBytes { logged.read($0) }
        return logged
    }

    /// The number found for a server that sent `handshake` records under other keys before the client's Finished, and
    /// `behind` records under its own keys after it.
    private func number(
        handshake: Int, behind: Int, secret: [UInt8]? = nil, first: UInt32 = 0, role: RecordOpener.Role = .server
    ) throws -> UInt32? {
        var written = ProtectedRecords()
        var others = try RecordMaker([UInt8](repeating: 9, count: 32))
        var ours = try RecordMaker(self.secret, sequence: first)
        append(clear, to: &written)
        for _ in 0..<handshake { append(others.record([1, 2, 22]), to: &written) }
        written.noteAnswer()
        for _ in 0..<behind { append(ours.record([4, 5, 22]), to: &written) }
        return RecordProof.keys(
            behind: written, by: role, under: logged(secret ?? self.secret), .aes128GCM, contexts: ConnectionContexts())?
            .sequence
    }

    private func append(_ bytes: [UInt8], to records: inout ProtectedRecords) {
        bytes.withBytes { records.append($0) }
    }

    @Test func `The first number is the one behind the last that was used`() throws {
        #expect(try number(handshake: 4, behind: 0) == 0)
        #expect(try number(handshake: 4, behind: 1) == 1)
        #expect(try number(handshake: 2, behind: 2) == 2)
        #expect(try number(handshake: 1, behind: 0, role: .client) == 0)
    }

    @Test func `What does not fit together proves nothing`() throws {
        // OpenSSL had counted further than was observed.
        #expect(try number(handshake: 4, behind: 1, first: 1) == nil)
        // A secret other than the one in use.
        #expect(try number(handshake: 4, behind: 1, secret: [UInt8](repeating: 8, count: 32)) == nil)
        // None, or one of another hash.
        #expect(try number(handshake: 4, behind: 1, secret: []) == nil)
        #expect(try number(handshake: 4, behind: 1, secret: [UInt8](repeating: 7, count: 48)) == nil)
        // A client that has used its keys already.
        #expect(try number(handshake: 1, behind: 1, role: .client) == nil)
        // Nothing was observed.
        #expect(try number(handshake: 0, behind: 0) == nil)
    }

    @Test func `Records are recognized whatever pieces they come in`() throws {
        var maker = try RecordMaker(secret)
        let last = maker.record([1, 2, 3, 22])
        let stream = clear + maker.record([1, 22]) + last
        for split in 0...stream.count {
            var written = ProtectedRecords()
            append(Array(stream[..<split]), to: &written)
            let isBorder = [0, 8, clear.count, stream.count - last.count, stream.count].contains(split)
            #expect(written.isWhole == isBorder)
            append(Array(stream[split...]), to: &written)
            #expect(written.isWhole && written.count == 2 && written.last == last)
        }
    }

    @Test func `A secret is taken as the key log writes it, or not at all`() {
        #expect(logged(secret).count == 32)
        for digits in ["7", "0g", String(repeating: "0", count: 98)] {
            var logged = LoggedSecret()
            digits.withBytes { logged.read($0) }
            #expect(logged.count == 0)
        }
    }

    @Test func `OpenSSL gets one record at a time, whatever pieces they come in`() {
        let records: [[UInt8]] = [
            [22, 3, 1, 0, 2, 1, 2], [20, 3, 3, 0, 1, 1], [23, 3, 3, 0, 0], [23, 3, 3, 0, 3, 1, 2, 3],
        ]
        let stream = Array(records.joined())
        for split in 0...stream.count {
            for room in [1, 3, 5, 100] {
                var feed = RecordFeed()
                var (available, taken, borders): ([UInt8], [UInt8], [Int]) = ([], [], [])
                for piece in [stream[..<split], stream[split...]] {
                    available += piece
                    while true {
                        let count = available.withBytes {
                            feed.portion(of: $0, room: room, isEnd: false)
                        }
                        guard count > 0 else { break }
                        taken += available[..<count]
                        available.removeFirst(count)
                        if feed.isAtBoundary { borders.append(taken.count) }
                    }
                }
                #expect(taken == stream && borders == [7, 13, 18, 26])
            }
        }
    }

    @Test func `The library that was found fits`() {
        #expect(RecordProtection.failure == nil)
    }
}
