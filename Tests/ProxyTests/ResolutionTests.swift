import Testing

@testable import Proxy

@Suite("Resolving names") struct ResolutionTests {
    @Test func `A name is asked for again when its records have run out, within limits`() {
        var schedule = ResolutionSchedule(limits: 1000...300_000)
        let waits = [0, 30, 100_000].map { schedule.succeeded(timeToLive: $0) }
        #expect(waits == [1000, 30_000, 300_000])
    }

    @Test func `After failures a name is asked for less and less often`() {
        var schedule = ResolutionSchedule(limits: 1000...300_000)
        let waits = (0..<7).map { _ in schedule.failed() }
        #expect(waits == [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
        _ = schedule.succeeded(timeToLive: 5)
        let afresh = schedule.failed()
        #expect(afresh == 1000)
    }

    /// Three answers to the query for SRV records of "_a.test": two of priority 1, one of priority 2.
    private static let message: [UInt8] = {
        var message: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0]
        message += [2, 0x5F, 0x61, 4, 0x74, 0x65, 0x73, 0x74, 0, 0, 33, 0, 1]
        message += answer(300, [0, 1, 0, 5, 0x1F, 0x90, 1, 0x62, 0xC0, 15])
        message += answer(60, [0, 2, 0, 0, 0, 80, 1, 0x63, 0])
        message += answer(90, [0, 1, 0, 0, 0, 81, 1, 0x64, 4, 0x74, 0x65, 0x73, 0x74, 0])
        return message
    }()

    private static func answer(_ seconds: Int, _ data: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [0xC0, 12, 0, 33, 0, 1, 0, 0, UInt8(seconds >> 8), UInt8(seconds & 0xFF)]
        return head + [0, UInt8(data.count)] + data
    }

    @Test func `The hosts of the best priority are used, as long as the shortest time says`() throws {
        let records = try #require(ServiceRecords(Self.message))
        #expect(
            records.hosts == [
                ServiceRecords.Host(name: "b.test", port: 8080), ServiceRecords.Host(name: "d.test", port: 81),
            ])
        #expect(records.timeToLive == 60)
    }

    @Test func `A message that is cut off has no records`() {
        for end in 0..<Self.message.count { #expect(ServiceRecords(Array(Self.message[..<end])) == nil) }
    }

    @Test func `A service without a host has none`() throws {
        var message = Self.message
        message[7] = 1
        message.removeLast(message.count - 25)
        message += Self.answer(60, [0, 0, 0, 0, 0, 0, 0])
        #expect(try #require(ServiceRecords(message)).hosts == [])
    }

    @Test func `A name that points to itself or ahead is refused`() {
        for target in [UInt8(Self.message.count + 18), 0xFF] {
            var message = Self.message
            message[7] = 4
            message += Self.answer(60, [0, 1, 0, 0, 0, 80, 0xC0, target])
            #expect(ServiceRecords(message) == nil)
        }
    }

    @Test func `Any changed byte leaves a message that is read or refused`() {
        for index in Self.message.indices {
            for bit in 0..<8 {
                var message = Self.message
                message[index] ^= 1 << bit
                if let records = ServiceRecords(message) { #expect(records.hosts.count <= 3) }
            }
        }
    }
}
