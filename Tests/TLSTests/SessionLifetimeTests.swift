import Testing

@testable import TLS

@Suite("Lifetime of sessions") struct SessionLifetimeTests {
    @Test(arguments: [(-1, false), (0, true), (86_400, true), (86_401, false)])
    func `A client's certificate is looked at anew after a day`(_ seconds: Int64, _ isResumable: Bool) {
        let start = Timestamp(seconds: 1_000_000)
        #expect(
            SessionLifetime.mayResume(since: start, at: Timestamp(seconds: start.seconds + seconds)) == isResumable)
    }
}
