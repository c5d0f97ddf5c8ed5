import Testing

@testable import ISAPI

@Suite struct SessionLifeTests {
    @Test func aSessionIsFreeOnlyWhenBothHaveLetGo() {
        var life = SessionLife()
        life.begin()
        #expect(life.start() == true)
        #expect(life.returned(pending: false) == true)
        #expect(!life.isRecyclable)
        life.detach()
        #expect(life.isRecyclable)
    }

    @Test func aPendingSessionAdmitsCallsUntilItIsDone() {
        var life = SessionLife()
        life.begin()
        #expect(!life.admitsCalls)
        #expect(life.start() == true)
        #expect(life.returned(pending: true) == false)
        #expect(life.admitsCalls)
        #expect(life.done() == true)
        #expect(!life.admitsCalls)
        #expect(life.done() == false)
    }

    @Test func doneDuringTheProcedureCompletesAtOnceAndEndsWithIt() {
        var life = SessionLife()
        life.begin()
        #expect(life.start() == true)
        #expect(life.done() == true)
        life.detach()
        #expect(!life.isRecyclable)
        #expect(life.returned(pending: true) == false)
        #expect(life.isRecyclable)
    }

    @Test func aBlockedCallKeepsTheSession() {
        var life = SessionLife()
        life.begin()
        #expect(life.start() == true)
        life.block()
        life.detach()
        #expect(life.returned(pending: false) == true)
        #expect(!life.isRecyclable)
        life.unblock()
        #expect(life.isRecyclable)
    }

    @Test func whatNobodyWaitsForDoesNotStart() {
        var life = SessionLife()
        life.begin()
        life.detach()
        #expect(life.start() == false)
        #expect(life.isRecyclable)
    }
}
