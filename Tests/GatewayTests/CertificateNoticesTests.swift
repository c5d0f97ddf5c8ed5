import Testing

@testable import Gateway

@Suite("Notices of certificates near their end")
struct CertificateNoticesTests {
    private let day: Int64 = 86400
    private let now: Int64 = 1_800_000_000

    private func served(_ secondsLeft: Int64...) -> [CertificateNotices.Served] {
        secondsLeft.map { CertificateNotices.Served(file: "\($0).pem", serial: "\($0)", notAfter: now + $0) }
    }

    @Test("The next moment is the first at which any certificate comes near its end or reaches it")
    func nextMoment() {
        #expect(CertificateNotices.next(served(30 * day, 20 * day, 40 * day), after: now) == now + 6 * day)
        #expect(CertificateNotices.next(served(30 * day, 5 * day), after: now) == now + 5 * day)
        #expect(CertificateNotices.next(served(-day), after: now) == nil)
        #expect(CertificateNotices.next([], after: now) == nil)
    }

    @Test("A moment is told once")
    func told() {
        let all = served(14 * day, 14 * day + 1, 0, 1, -1)
        #expect(CertificateNotices.due(all, since: now - 1, now: now).map(\.file) == ["\(14 * day).pem", "0.pem"])
        #expect(CertificateNotices.due(all, since: now, now: now + 1).map(\.file) == ["\(14 * day + 1).pem", "1.pem"])
        #expect(CertificateNotices.due(all, since: now + 1, now: now + 2).isEmpty)
    }

    @Test(
        "What is said depends on the time that is left",
        arguments: [
            (14 * 86400 + 1, nil), (14 * 86400, "certificate_expiring in 14 days"),
            (14 * 86400 - 1, "certificate_expiring in 14 days"), (86400, "certificate_expiring in 1 day"),
            (86399, "certificate_expiring in less than a day"), (1, "certificate_expiring in less than a day"),
            (0, "certificate_expired"), (-5, "certificate_expired"),
        ] as [(Int64, String?)])
    func conditions(secondsLeft: Int64, expected: String?) {
        let condition = Condition.ofExpiry(of: "a.pem", secondsLeft: secondsLeft)
        let text = condition.map { "\($0.reason) \($0.text)" }
        let wanted = expected.map { expected in
            expected == "certificate_expired"
                ? "certificate_expired a.pem: the certificate has expired"
                : expected.replacing("expiring in", with: "expiring a.pem: the certificate expires in")
        }
        #expect(text == wanted)
    }
}
