import Testing

@testable import ACME

@Suite struct OrderTests {
    private let token = "token-1"
    private func document(
        _ status: OrderDocument.Status, certificate: String? = nil, error: ProblemDocument? = nil,
        names: [String] = ["a.test"]
    ) -> OrderDocument {
        OrderDocument(
            status: status, identifiers: names.map { Identifier($0) }, authorizations: ["https://ca/authz"],
            finalize: "https://ca/finalize", certificate: certificate, error: error)
    }

    private func authorization(
        _ status: AuthorizationDocument.Status, types: [String] = ["http-01", "tls-alpn-01"], name: String = "a.test",
        wildcard: Bool? = nil, token: String = "token-1"
    ) -> AuthorizationDocument {
        AuthorizationDocument(
            status: status, identifier: Identifier(name),
            challenges: types.map { ChallengeDocument(type: $0, url: "https://ca/\($0)", token: token) },
            wildcard: wildcard)
    }

    private var use: ChallengeUse {
        ChallengeUse(
            type: .http, name: "a.test", url: "https://ca/http-01", token: token, authorization: "https://ca/authz")
    }

    private func ordered() throws -> CertificateOrder {
        var order = CertificateOrder(names: ["a.test"], challenges: [.http], at: 0)
        #expect(try order.next(at: 0) == .create)
        try order.handle(.order(document(.pending), url: "https://ca/order", retryAfter: nil), at: 0)
        return order
    }

    @Test func anOrderProvesItsNamesAndTakesItsCertificate() throws {
        var order = try ordered()
        #expect(try order.next(at: 1) == .askForAuthorization("https://ca/authz"))
        try order.handle(.authorization(authorization(.pending), retryAfter: nil), at: 1)
        #expect(try order.next(at: 1) == .present(use))
        try order.handle(.presented(delay: 0), at: 1)
        #expect(order.nameToValidate == "a.test")
        #expect(try order.next(at: 1) == .accept(use))
        try order.handle(.accepted, at: 1)
        #expect(try order.next(at: 1) == .wait(until: 2))
        #expect(try order.next(at: 2) == .askForAuthorization("https://ca/authz"))
        try order.handle(.authorization(authorization(.pending), retryAfter: 7), at: 2)
        #expect(try order.next(at: 2) == .wait(until: 9))
        try order.handle(.authorization(authorization(.valid), retryAfter: nil), at: 9)
        #expect(try order.next(at: 9) == .withdraw(use))
        try order.handle(.withdrawn, at: 9)
        #expect(try order.next(at: 9) == .askForOrder("https://ca/order"))
        try order.handle(.order(document(.ready), url: nil, retryAfter: nil), at: 9)
        #expect(try order.next(at: 9) == .finalize("https://ca/finalize"))
        try order.handle(.order(document(.processing), url: nil, retryAfter: nil), at: 9)
        #expect(try order.next(at: 9) == .wait(until: 10))
        #expect(try order.next(at: 10) == .askForOrder("https://ca/order"))
        try order.handle(.order(document(.valid, certificate: "https://ca/cert"), url: nil, retryAfter: nil), at: 10)
        #expect(try order.next(at: 10) == .download("https://ca/cert"))
    }

    @Test func afterARestartAtAnyStepTheOrderIsLookedAtAgain() throws {
        var order = CertificateOrder(names: ["a.test"], challenges: [.http], at: 0)
        order.resume()
        #expect(try order.next(at: 0) == .create)
        order = try ordered()
        let events: [CertificateOrder.Event] = [
            .authorization(authorization(.pending), retryAfter: nil), .presented(delay: 0), .accepted,
            .authorization(authorization(.valid), retryAfter: nil), .withdrawn,
            .order(document(.ready), url: nil, retryAfter: nil),
            .order(document(.processing), url: nil, retryAfter: nil),
        ]
        for event in events {
            var resumed = order
            resumed.resume()
            #expect(try resumed.next(at: 0) == .askForOrder("https://ca/order"))
            try order.handle(event, at: 0)
        }
    }

    @Test func anOrderThatNeverBecomesReadyEnds() throws {
        var order = try ordered()
        try order.handle(.authorization(authorization(.valid), retryAfter: nil), at: 0)
        var now: Int64 = 0
        #expect(throws: AcmeError.self) {
            while true {
                switch try order.next(at: now) {
                case .askForOrder: try order.handle(.order(document(.pending), url: nil, retryAfter: nil), at: now)
                case .askForAuthorization:
                    try order.handle(.authorization(authorization(.valid), retryAfter: nil), at: now)
                case .wait(let until): now = until
                default: Issue.record("an unexpected step")
                }
            }
        }
        #expect(now <= 3600)
    }

    @Test func aWildcardIsNotProvedByAnAnswerOfTheHost() throws {
        var order = CertificateOrder(names: ["*.a.test"], challenges: [.http, .dns], at: 0)
        try order.handle(
            .order(document(.pending, names: ["*.a.test"]), url: "https://ca/order", retryAfter: nil), at: 0)
        var other = order
        let offered = authorization(.pending, types: ["http-01", "dns-01"], wildcard: true)
        try order.handle(.authorization(offered, retryAfter: nil), at: 0)
        #expect(try order.next(at: 0) != .create)
        #expect(order.openChallenges.first?.type == .dns)
        #expect(throws: AcmeError.noChallenge(name: "a.test", offered: ["http-01"])) {
            try other.handle(
                .authorization(authorization(.pending, types: ["http-01"], wildcard: true), retryAfter: nil), at: 0)
        }
    }

    @Test func aNameAndItsWildcardAreMadeProvableTogetherAndValidatedOneAfterTheOther() throws {
        let names = ["a.test", "*.a.test"]
        var order = CertificateOrder(names: names, challenges: [.http, .dns], at: 0)
        var pending = document(.pending, names: names)
        pending.authorizations = ["https://ca/1", "https://ca/2"]
        try order.handle(.order(pending, url: "https://ca/order", retryAfter: nil), at: 0)
        #expect(try order.next(at: 0) == .askForAuthorization("https://ca/1"))
        let plain = authorization(.pending, types: ["dns-01"], token: "one")
        try order.handle(.authorization(plain, retryAfter: nil), at: 0)
        #expect(try order.next(at: 0) == .askForAuthorization("https://ca/2"))
        let wildcard = authorization(.pending, types: ["dns-01"], wildcard: true, token: "two")
        try order.handle(.authorization(wildcard, retryAfter: nil), at: 0)
        let uses = order.openChallenges
        #expect(uses.map(\.token) == ["one", "two"] && uses.map(\.name) == ["a.test", "a.test"])
        #expect(try order.next(at: 0) == .present(uses[0]))
        try order.handle(.presented(delay: 30), at: 5)
        #expect(try order.next(at: 5) == .present(uses[1]))
        // The slowest counts: this one was seen at once.
        try order.handle(.presented(delay: 0), at: 6)
        #expect(try order.next(at: 6) == .wait(until: 35))
        #expect(try order.next(at: 35) == .accept(uses[0]))
        try order.handle(.accepted, at: 35)
        #expect(try order.next(at: 36) == .askForAuthorization("https://ca/1"))
        try order.handle(.authorization(authorization(.valid, types: ["dns-01"]), retryAfter: nil), at: 36)
        #expect(try order.next(at: 36) == .accept(uses[1]))
        #expect(order.openChallenges == uses)
        try order.handle(.accepted, at: 36)
        #expect(try order.next(at: 37) == .askForAuthorization("https://ca/2"))
        try order.handle(.authorization(authorization(.valid, wildcard: true), retryAfter: nil), at: 37)
        for use in uses {
            #expect(try order.next(at: 37) == .withdraw(use))
            try order.handle(.withdrawn, at: 37)
        }
        #expect(order.openChallenges == [])
        #expect(try order.next(at: 37) == .askForOrder("https://ca/order"))
    }

    @Test func anOrderHoldsItsNamesForHandshakesFromItsFirstAnswerOn() throws {
        var order = CertificateOrder(names: ["a.test", "b.test"], challenges: [.tlsALPN], at: 0)
        var pending = document(.pending, names: ["a.test", "b.test"])
        pending.authorizations = ["https://ca/1", "https://ca/2"]
        try order.handle(.order(pending, url: "https://ca/order", retryAfter: nil), at: 0)
        for name in ["a.test", "b.test"] {
            try order.handle(.authorization(authorization(.pending, name: name), retryAfter: nil), at: 0)
        }
        #expect(order.namesToHold == ["a.test", "b.test"] && order.heldNames.isEmpty)
        try order.handle(.presented(delay: 0), at: 0)
        #expect(order.heldNames == ["a.test", "b.test"] && order.namesToHold.isEmpty)
        order.resume()
        #expect(order.heldNames.isEmpty && order.namesToHold.isEmpty)
    }

    @Test(arguments: ["", "../x", "a b", "a/b", String(repeating: "x", count: 257)])
    func aTokenThatIsNoNameOfAFileIsNotUsed(_ token: String) throws {
        var order = try ordered()
        #expect(throws: AcmeError.self) {
            try order.handle(.authorization(authorization(.pending, token: token), retryAfter: nil), at: 0)
        }
    }

    @Test func documentsAboutOtherNamesAreRefused() throws {
        var order = try ordered()
        #expect(throws: AcmeError.self) {
            try order.handle(.authorization(authorization(.pending, name: "b.test"), retryAfter: nil), at: 0)
        }
        #expect(throws: AcmeError.self) {
            try order.handle(.order(document(.ready, names: ["b.test"]), url: nil, retryAfter: nil), at: 0)
        }
    }
}
