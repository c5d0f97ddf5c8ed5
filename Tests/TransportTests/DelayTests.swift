import Testing

@testable import Transport

@Suite("Delays and deadlines")
struct DelayTests {
    @Test(
        "A duration is rounded up to milliseconds",
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.microseconds(999), 1), (.milliseconds(1), 1),
            (.nanoseconds(1_000_001), 2), (.milliseconds(1500), 1500), (.seconds(75), 75_000),
        ] as [(Duration, UInt64)])
    func roundsUp(duration: Duration, milliseconds: UInt64) {
        #expect(Delay(duration).milliseconds == milliseconds)
    }

    @Test("A negative duration is no delay", arguments: [Duration.nanoseconds(-1), .milliseconds(-1), .seconds(-5)])
    func clampsNegatives(duration: Duration) {
        #expect(Delay(duration).milliseconds == 0)
    }

    @Test("A deadline moves by a delay")
    func advances() {
        #expect(Deadline(milliseconds: 5).advanced(by: .seconds(2)) == Deadline(milliseconds: 2005))
    }

    @Test("A delay added to never, or beyond the clock's range, is never")
    func saturates() {
        #expect(Deadline.never.advanced(by: .milliseconds(1)) == .never)
        #expect(Deadline(milliseconds: .max - 5).advanced(by: .milliseconds(9)) == .never)
    }
}
