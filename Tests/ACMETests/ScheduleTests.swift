import Testing

@testable import ACME

@Suite struct ScheduleTests {
    private let day: Int64 = 86_400

    @Test func aCertificateIsRenewedAfterTwoThirdsOfItsLife() {
        let early = RenewalSchedule.renewal(notBefore: 0, notAfter: 90 * day, chance: 0)
        let late = RenewalSchedule.renewal(notBefore: 0, notAfter: 90 * day, chance: 1)
        #expect(early == 60 * day)
        #expect(late == 64 * day + day / 2)
    }

    @Test func pausesDoubleUpToADayHoweverLongItFails() {
        var last: Int64 = 0
        for failures in 1...100 {
            let pause = RenewalSchedule.pause(failures: failures, requested: nil, chance: 1)
            #expect(pause >= last)
            #expect(pause <= day)
            last = pause
        }
        #expect(RenewalSchedule.pause(failures: 1, requested: nil, chance: 1) == 60)
        #expect(RenewalSchedule.pause(failures: .max, requested: nil, chance: 0) > day / 2)
        #expect(RenewalSchedule.pause(failures: 1, requested: 2 * day, chance: 0) == 2 * day)
        #expect(RenewalSchedule.pause(failures: 1, requested: .max, chance: 0) == 31 * day)
    }

    @Test func aWindowOfTheAuthorityIsUsedAndEndsBeforeTheCertificate() throws {
        let window = RenewalWindow(start: 10 * day, end: 20 * day)
        #expect(RenewalSchedule.renewal(in: window, notAfter: 90 * day, chance: 0.5) == 15 * day)
        #expect(RenewalSchedule.renewal(in: window, notAfter: 12 * day, chance: 1) == 12 * day - 3600)
        #expect(RenewalSchedule.renewal(in: .init(start: 5, end: 5), notAfter: day, chance: 0) == nil)
    }

    @Test func aNameIsValidatedAgainAtMostFiveTimesInAnHour() {
        var budget = RequestBudget()
        for time in 0..<5 { budget.noteFailedValidation(of: "a.test", at: Int64(time)) }
        #expect(budget.validation(of: "a.test", at: 10) == 3600)
        #expect(budget.validation(of: "b.test", at: 10) == 10)
        #expect(budget.validation(of: "a.test", at: 3600) == 3600)
        // Failures of a clock that was a day ahead do not count once it is right.
        #expect(budget.validation(of: "a.test", at: -day) == -day)
    }

    @Test func twoThousandNamesAreRenewedWithoutABurst() {
        let life = 90 * day
        var generator = SystemRandomNumberGenerator()
        var due = (0..<2000).map { _ in
            RenewalSchedule.renewal(notBefore: 0, notAfter: life, chance: .random(in: 0...1, using: &generator))
        }.sorted()[...]
        var budget = RequestBudget()
        var orders: [Int64] = []
        var now = due.first ?? 0
        while let next = due.first {
            now = max(now, next)
            let allowed = budget.order(at: now, isRenewal: false)
            guard allowed <= now else {
                now = allowed
                continue
            }
            budget.noteOrder(at: now, isRenewal: false)
            orders.append(now)
            due = due.dropFirst()
        }
        #expect(orders.count == 2000)
        #expect((orders.last ?? .max) < life)
        for (index, time) in orders.enumerated() where index >= 600 {
            #expect(time - orders[index - 600] > 3 * 3600, "more than 600 orders in three hours")
        }
    }

    @Test func afterABurstOrdersGoOnAtTheRateOfTheAuthority() {
        var budget = RequestBudget()
        var now: Int64 = 0
        for _ in 0..<2000 {
            now = budget.order(at: now, isRenewal: false)
            budget.noteOrder(at: now, isRenewal: false)
        }
        #expect(((1700 * 36 - 72)...(1700 * 36 + 72)).contains(now))
        #expect(budget.order(at: now, isRenewal: true) == now)
    }
}

@Suite struct RecordTests {
    private let day: Int64 = 86_400

    private func issued(_ record: CertificateRecord, at now: Int64) -> CertificateRecord {
        var record = record
        record.noteIssued(
            by: "ca", names: ["a.test"], serial: "1", notBefore: now, notAfter: now + 90 * day, renewalID: "x.y",
            chance: 0, at: now)
        return record
    }

    @Test func anAuthorityThatAlwaysWantsARenewalAtOnceGetsOneADay() {
        var record = issued(CertificateRecord(names: ["a.test"]), at: 1000 * day)
        record.note(RenewalWindow(start: 1, end: 2), retryAfter: nil, chance: 0, at: 1000 * day)
        #expect(record.isOrderDue(for: ["a.test"], at: 1000 * day))
        record = issued(record, at: 1000 * day + 60)
        record.note(RenewalWindow(start: 1, end: 2), retryAfter: nil, chance: 0, at: 1000 * day + 60)
        #expect(!record.isOrderDue(for: ["a.test"], at: 1000 * day + 120))
        #expect(record.isOrderDue(for: ["a.test"], at: 1001 * day + 60))
    }

    @Test func everyIssuerIsTriedBeforeAPause() {
        var record = CertificateRecord(names: ["a.test"])
        record.noteFailure(.late, alternatives: 2, chance: 1, at: 100)
        #expect(record.retryAt == 101)
        record.noteFailure(.late, alternatives: 2, chance: 1, at: 101)
        #expect(record.retryAt == 161)
    }

    @Test func aCertificateForOtherNamesIsReplaced() {
        let record = issued(CertificateRecord(names: ["a.test"]), at: 0)
        #expect(!record.isOrderDue(for: ["a.test"], at: 1))
        #expect(record.isOrderDue(for: ["a.test", "b.test"], at: 1))
        #expect(record.isOrderDue(for: ["a.test"], at: 60 * day))
        #expect(record.isOrderDue(for: ["a.test"], at: 91 * day))
    }
}
