import Testing
import Transport

@testable import Gateway

@Suite("Giving memory back") struct MemoryReturnTests {
    private let now = Deadline(milliseconds: 1000)

    @Test func `It is given back whenever most of many connections have gone since the last time`() {
        var memory = MemoryReturn(at: now)
        let looks = [(3000, 2900), (2900, 1501), (1501, 1500), (1500, 10), (900, 600), (600, 50)].map { highest, open in
            memory.look(highest: highest, open: open, at: now)
        }
        #expect(looks == [false, false, true, true, false, true])
    }

    @Test func `A few connections are not worth it`() {
        var memory = MemoryReturn(at: now)
        let looks = [(511, 0), (512, 1), (512, 0)].map { memory.look(highest: $0, open: $1, at: now) }
        #expect(looks == [false, false, true])
    }

    @Test func `The next look is a period later`() {
        var memory = MemoryReturn(at: now)
        #expect(memory.nextLook == now.advanced(by: MemoryReturn.period))
        _ = memory.look(highest: 0, open: 0, at: memory.nextLook)
        #expect(memory.nextLook == now.advanced(by: MemoryReturn.period).advanced(by: MemoryReturn.period))
    }
}
