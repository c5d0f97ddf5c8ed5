/// One order from its first request to its certificate, as a value: it says what to do next, is told what came of it, and
/// can be written down after every step.
///
/// The authority has the order's state too, so that after a restart the order is looked at anew (`resume`), and goes on
/// from there.
package struct CertificateOrder: Codable, Equatable, Sendable {
    package let names: [String]
    /// What to prove names with, the preferred first.
    package let challenges: [ChallengeType]
    /// Seconds since 1970.
    package let began: Int64
    private(set) package var url: String?
    private var finalize: String?
    private var step = Step.unordered
    private var notBefore: Int64 = 0
    private var polls = 0
    /// Whether a validation may have found nobody who answers, so that its failure says nothing.
    private(set) package var wasInterrupted = false

    private enum Step: Codable, Equatable {
        case unordered
        /// The order's state is to be asked for.
        case ordered
        /// The first authorization is to be asked for.
        case authorizing([String])
        /// The challenge is to be made answerable.
        case presenting(ChallengeUse, [String])
        /// The authority is to be told that it is.
        case accepting(ChallengeUse, [String])
        /// The authority looks.
        case validating(ChallengeUse, [String])
        case withdrawing(ChallengeUse, [String])
        case finalizing
        /// The authority issues.
        case processing
        case issued(String)
    }

    package enum Action: Equatable, Sendable {
        case create
        case askForOrder(String)
        case askForAuthorization(String)
        case present(ChallengeUse)
        case accept(ChallengeUse)
        case withdraw(ChallengeUse)
        case finalize(String)
        case download(String)
        case wait(until: Int64)
    }

    package enum Event: Equatable, Sendable {
        /// - Parameter url: of a new order.
        case order(OrderDocument, url: String?, retryAfter: Int64?)
        case authorization(AuthorizationDocument, retryAfter: Int64?)
        /// - Parameter delay: seconds that the answer needs to be seen everywhere.
        case presented(delay: Int64)
        case accepted
        case withdrawn
    }

    /// Of one order; more names need several certificates.
    package static let nameLimit = 100
    /// Seconds. Authorities give an order some days; one that does not get on in this time begins anew.
    private static let lifetime: Int64 = 3600
    /// Questions about the same thing; with the pauses between them about a quarter of an hour.
    private static let pollLimit = 40
    private static let longestPause: Int64 = 30

    package init(names: [String], challenges: [ChallengeType], at now: Int64) {
        self.names = names
        self.challenges = challenges
        began = now
    }

    package func next(at now: Int64) throws(AcmeError) -> Action {
        // A clock that was set back must not make an order wait for days.
        let isEarly = now < notBefore && notBefore - now <= Self.lifetime
        guard !isEarly || isCleanup else { return .wait(until: notBefore) }
        guard now - began < Self.lifetime || url == nil || isCleanup else {
            throw .tooSlow("the order did not get on for an hour")
        }
        switch step {
        case .unordered: return .create
        case .ordered, .processing: return .askForOrder(url ?? "")
        case .authorizing(let urls): return .askForAuthorization(urls.first ?? "")
        case .presenting(let use, _): return .present(use)
        case .accepting(let use, _): return .accept(use)
        case .validating(let use, _): return .askForAuthorization(use.authorization)
        case .withdrawing(let use, _): return .withdraw(use)
        case .finalizing: return .finalize(finalize ?? "")
        case .issued(let certificate): return .download(certificate)
        }
    }

    private var isCleanup: Bool { if case .withdrawing = step { true } else { false } }

    /// The challenge that is answerable, or may be.
    package var openChallenge: ChallengeUse? {
        switch step {
        case .presenting(let use, _), .accepting(let use, _), .validating(let use, _), .withdrawing(let use, _): use
        default: nil
        }
    }

    /// The name whose validation begins with the next action; it counts against what the authority allows.
    package var nameToValidate: String? { if case .accepting(let use, _) = step { use.name } else { nil } }

    /// Continues after a restart: answers are not there any more, and what the authority has done meanwhile is unknown.
    package mutating func resume() {
        switch step {
        case .accepting, .validating: wasInterrupted = true
        default: break
        }
        polls = 0
        notBefore = 0
        step = url == nil ? .unordered : .ordered
    }

    /// Waits before the next action.
    package mutating func wait(until time: Int64) { notBefore = time }

    // MARK: What has happened

    package mutating func handle(_ event: Event, at now: Int64) throws(AcmeError) {
        switch (event, step) {
        case (.order(let document, let url, let retryAfter), _):
            try take(document, url: url, retryAfter, now)
        case (.authorization(let document, let retryAfter), .authorizing(let urls)):
            try look(at: document, urls, retryAfter, now)
        case (.authorization(let document, let retryAfter), .validating(let use, let urls)):
            try judge(document, use, urls, retryAfter, now)
        case (.presented(let delay), .presenting(let use, let urls)):
            step = .accepting(use, urls)
            notBefore = now + delay
        case (.accepted, .accepting(let use, let urls)):
            step = .validating(use, urls)
            polls = 0
            try pause(nil, now, "\(use.name) was not validated in time")
        case (.withdrawn, .withdrawing(_, let urls)):
            proceed(urls)
        default: throw .local("an order cannot go on with this")
        }
    }

    private mutating func take(
        _ document: OrderDocument, url: String?, _ retryAfter: Int64?, _ now: Int64
    ) throws(AcmeError) {
        if let url { self.url = url }
        guard self.url != nil else { throw .nonsense("an order without a URL") }
        guard document.authorizations.count <= Self.nameLimit else {
            throw .nonsense("an order with \(document.authorizations.count) authorizations")
        }
        if let identifiers = document.identifiers {
            let ordered = Set(names.map { Identifier($0).value })
            guard Set(identifiers.map { $0.value.lowercased() }) == ordered else {
                throw .nonsense("an order for other names than the ordered ones")
            }
        }
        finalize = document.finalize
        switch document.status {
        case .pending:
            guard !document.authorizations.isEmpty else { throw .nonsense("a pending order without authorizations") }
            if step == .processing || step == .finalizing { return try pause(retryAfter, now, Self.neverReady) }
            // All authorizations are valid already, and the order has not noticed.
            if step == .ordered, polls > 0 { try pause(retryAfter, now, Self.neverReady) }
            step = .authorizing(document.authorizations)
        case .ready:
            step = .finalizing
        case .processing:
            if step != .processing { polls = 0 }
            step = .processing
            try pause(retryAfter, now, "the authority did not issue the certificate in time")
        case .valid:
            guard let certificate = document.certificate else { throw .nonsense("a valid order without a certificate") }
            step = .issued(certificate)
        case .invalid:
            throw .refused(document.error ?? ProblemDocument(detail: "the order is invalid"), retryAfter: nil)
        }
    }

    private static let neverReady = "the order did not become ready in time"

    private mutating func look(
        at document: AuthorizationDocument, _ urls: [String], _ retryAfter: Int64?, _ now: Int64
    ) throws(AcmeError) {
        guard let url = urls.first else { throw .local("an order cannot go on with this") }
        try check(document)
        switch document.status {
        case .valid: proceed(urls)
        case .pending:
            guard let (use, found) = document.challenge(challenges, authorization: url) else {
                throw .noChallenge(
                    name: document.identifier.value,
                    offered: document.challenges.prefix(10).map { visibleText($0.type, limit: 40) })
            }
            if found.status == "invalid" { throw .notValidated(name: use.name, found.error) }
            step = .presenting(use, urls)
        case .invalid, .deactivated, .expired, .revoked:
            throw .notValidated(name: document.identifier.value, document.challenges.compactMap(\.error).first)
        }
    }

    private mutating func judge(
        _ document: AuthorizationDocument, _ use: ChallengeUse, _ urls: [String], _ retryAfter: Int64?, _ now: Int64
    ) throws(AcmeError) {
        try check(document)
        switch document.status {
        case .valid: step = .withdrawing(use, urls)
        case .pending: try pause(retryAfter, now, "\(use.name) was not validated in time")
        case .invalid, .deactivated, .expired, .revoked:
            throw .notValidated(
                name: use.name,
                document.challenges.first { $0.url == use.url }?.error
                    ?? document.challenges.compactMap(\.error).first)
        }
    }

    private func check(_ document: AuthorizationDocument) throws(AcmeError) {
        let name = document.identifier.value.lowercased()
        guard names.contains(name) || names.contains("*." + name) else {
            throw .nonsense("an authorization for another name than the ordered ones")
        }
    }

    /// Turns to the next authorization, or to the order.
    private mutating func proceed(_ urls: [String]) {
        let rest = Array(urls.dropFirst())
        if rest.isEmpty {
            step = .ordered
            polls += 1
        } else {
            step = .authorizing(rest)
            polls = 0
        }
        notBefore = 0
    }

    /// Before the same is asked again: 1 s, then longer; or what the authority wants.
    private mutating func pause(_ retryAfter: Int64?, _ now: Int64, _ failure: String) throws(AcmeError) {
        polls += 1
        guard polls <= Self.pollLimit else { throw .tooSlow(failure) }
        let own = min(Int64(1) << Int64(min(polls - 1, 5)), Self.longestPause)
        notBefore = now + min(max(retryAfter ?? own, 1), Self.lifetime)
    }
}
