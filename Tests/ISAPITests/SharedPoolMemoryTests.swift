import CPoolProtocol
import Glibc
import Testing

@testable import ISAPI

@Suite("Which requests a process may enter")
struct SharedPoolMemoryTests {
    private let memory: SharedPoolMemory
    private let channel = 3

    init() throws {
        memory = try SharedPoolMemory()
    }

    /// What the process does (`enter` of isagate-host): true if it may enter the request.
    private func enter(_ sequence: UInt32) -> Bool {
        let word = read()
        let entered = UInt32(truncatingIfNeeded: word), admitted = UInt32(word >> 32)
        guard Int32(bitPattern: sequence &- entered) > 0, Int32(bitPattern: admitted &- sequence) >= 0 else {
            return false
        }
        write(word & ~UInt64(UInt32.max) | UInt64(sequence))
        return true
    }

    private var offset: off_t { off_t(channel * MemoryLayout<pool_admission>.stride) }

    private func read() -> UInt64 {
        var word: UInt64 = 0
        memory.file.use { number in _ = unsafe pread(number, &word, 8, offset) }
        return word
    }

    private func write(_ word: UInt64) {
        var word = word
        memory.file.use { number in _ = unsafe pwrite(number, &word, 8, offset) }
    }

    @Test("Those that are admitted are entered once each, in their order", arguments: [0, 1000, UInt32.max - 2])
    func entersInOrder(last: UInt32) {
        memory.admit(channel, behind: last, through: last &+ 4)
        #expect(!enter(last))
        for number in 1...4 { #expect(enter(last &+ UInt32(number))) }
        #expect(!enter(last &+ 4))
        #expect(!enter(last &+ 5))
        #expect(memory.hasEntered(channel, last &+ 4))
        #expect(!memory.hasEntered(channel, last &+ 5))
    }

    @Test("What was not entered can be taken back, except what is kept", arguments: [0, UInt32.max - 2])
    func takesBack(last: UInt32) {
        memory.admit(channel, behind: last, through: last &+ 8)
        #expect(enter(last &+ 1))
        #expect(memory.takeBack(channel, behind: last &+ 2) == last &+ 2)
        #expect(enter(last &+ 2))
        #expect(!enter(last &+ 3))
    }

    @Test("What was entered meanwhile is not taken back", arguments: [0, UInt32.max - 2])
    func keepsEntered(last: UInt32) {
        memory.admit(channel, behind: last, through: last &+ 8)
        for number in 1...5 { #expect(enter(last &+ UInt32(number))) }
        #expect(memory.takeBack(channel, behind: last &+ 2) == last &+ 5)
        #expect(!enter(last &+ 6))
    }

    @Test("A message that was taken back is ignored although later ones are admitted")
    func ignoresOldMessages() {
        memory.admit(channel, behind: 0, through: 8)
        #expect(memory.takeBack(channel, behind: 1) == 1)
        memory.admit(channel, behind: 8, through: 9)
        for number: UInt32 in 1...8 { #expect(!enter(number)) }
        #expect(enter(9))
    }

    @Test("Whatever the process writes there, a number comes back")
    func survivesNonsense() {
        for word in [0, UInt64.max, 1 << 63, 0x7FFF_FFFF_8000_0000] as [UInt64] {
            memory.admit(channel, behind: 5, through: 9)
            write(word)
            _ = memory.takeBack(channel, behind: 6)
            _ = memory.hasEntered(channel, 7)
        }
        memory.admit(channel, behind: 5, through: 9)
        #expect(enter(6))
    }
}
