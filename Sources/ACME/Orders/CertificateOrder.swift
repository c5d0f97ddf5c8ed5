/// One order from its first request to its certificate, as a value: it says what to do next, is told what came of it, and
/// can be written down after every step.
///
/// All names are made provable first, since records of a domain take time to be seen, and two of one order may have the
/// same name; then they are validated one after the other, so that a failure costs no more than one validation.
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
    /// When the answers that were presented are seen everywhere.
    private var visibleAt: Int64 = 0
    private var polls = 0
    /// Whether a validation may have found nobody who answers, so that its failure says nothing.
    private(set) package var wasInterrupted = false

    private enum Step: Codable, Equatable {
        case unordered
        /// The order's state is to be asked for.
        case ordered
        /// The first of these authorizations is to be asked for; these challenges were found in others.
        case authorizing([String], found: [ChallengeUse])
        /// The first of the rest is to be made answerable.
        case presenting([ChallengeUse], all: [ChallengeUse])
        /// The authority is to be told that the first of the rest is.
        case accepting([ChallengeUse], all: [ChallengeUse])
        /// The authority looks at the first of the rest.
        case validating([ChallengeUse], all: [ChallengeUse])
        case withdrawing([ChallengeUse])
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
        case .authorizing(let urls, _): return .askForAuthorization(urls.first ?? "")
        case .presenting(let rest, _): return .present(try first(of: rest))
        case .accepting(let rest, _): return .accept(try first(of: rest))
        case .validating(let rest, _): return .askForAuthorization(try first(of: rest).authorization)
        case .withdrawing(let rest): return .withdraw(try first(of: rest))
        case .finalizing: return .finalize(finalize ?? "")
        case .issued(let certificate): return .download(certificate)
        }
    }

    private func first(of rest: [ChallengeUse]) throws(AcmeError) -> ChallengeUse {
        guard let use = rest.first else { throw .local("an order cannot go on without a challenge") }
        return use
    }

    private var isCleanup: Bool { if case .withdrawing = step { true } else { false } }

    /// The challenges that are answerable, or may be.
    package var openChallenges: [ChallengeUse] {
        switch step {
        case .presenting(_, let all), .accepting(_, let all), .validating(_, let all), .withdrawing(let all): all
        default: []
        }
    }

    /// The names that a handshake for tls-alpn-01 shows this order's certificates for: it shows one for each name.
    package var heldNames: Set<String> {
        if case .presenting(let rest, let all) = step, rest.count == all.count { return [] }
        return names(provedBy: openChallenges)
    }

    /// The names that it is about to take; all at once, so that no two orders wait for each other.
    package var namesToHold: Set<String> {
        guard case .presenting(let rest, let all) = step, rest.count == all.count else { return [] }
        return names(provedBy: all)
    }

    private func names(provedBy uses: [ChallengeUse]) -> Set<String> {
        Set(uses.filter { $0.type == .tlsALPN }.map(\.name))
    }

    /// The name whose validation begins with the next action; it counts against what the authority allows.
    package var nameToValidate: String? { if case .accepting(let rest, _) = step { rest.first?.name } else { nil } }

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
        case (.authorization(let document, _), .authorizing(let urls, let found)):
            try look(at: document, urls, found)
        case (.authorization(let document, let retryAfter), .validating(let rest, let all)):
            try judge(document, rest, all, retryAfter, now)
        case (.presented(let delay), .presenting(let rest, let all)):
            visibleAt = max(visibleAt, now + delay)
            if rest.count > 1 {
                step = .presenting(Array(rest.dropFirst()), all: all)
            } else {
                step = .accepting(all, all: all)
                notBefore = visibleAt
            }
        case (.accepted, .accepting(let rest, let all)):
            step = .validating(rest, all: all)
            polls = 0
            try pause(nil, now, "\(rest.first?.name ?? "a name") was not validated in time")
        case (.withdrawn, .withdrawing(let rest)):
            if rest.count > 1 { step = .withdrawing(Array(rest.dropFirst())) } else { askAgain() }
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
            step = .authorizing(document.authorizations, found: [])
            visibleAt = 0
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
        at document: AuthorizationDocument, _ urls: [String], _ found: [ChallengeUse]
    ) throws(AcmeError) {
        guard let url = urls.first else { throw .local("an order cannot go on with this") }
        try check(document)
        var found = found
        switch document.status {
        case .valid: break
        case .pending:
            guard let (use, challenge) = document.challenge(challenges, authorization: url) else {
                throw .noChallenge(
                    name: document.identifier.value,
                    offered: document.challenges.prefix(10).map { visibleText($0.type, limit: 40) })
            }
            if challenge.status == "invalid" { throw .notValidated(name: use.name, challenge.error) }
            found.append(use)
        case .invalid, .deactivated, .expired, .revoked:
            throw .notValidated(name: document.identifier.value, document.challenges.compactMap(\.error).first)
        }
        if urls.count > 1 {
            step = .authorizing(Array(urls.dropFirst()), found: found)
        } else if found.isEmpty {
            askAgain()
        } else {
            step = .presenting(found, all: found)
        }
    }

    private mutating func judge(
        _ document: AuthorizationDocument, _ rest: [ChallengeUse], _ all: [ChallengeUse], _ retryAfter: Int64?,
        _ now: Int64
    ) throws(AcmeError) {
        try check(document)
        let use = try first(of: rest)
        switch document.status {
        case .valid:
            step = rest.count > 1 ? .accepting(Array(rest.dropFirst()), all: all) : .withdrawing(all)
            notBefore = 0
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

    /// Turns to the order, whose names are proved.
    private mutating func askAgain() {
        step = .ordered
        polls += 1
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
