import ACME
import Dispatch
import ISAPI
import Logging
import Synchronization
import TLS
import Transport

/// The part of a gateway that looks after certificates: a thread of its own orders them, workers answer challenges.
///
/// What is issued is written into the storage, where the supervisor notices it, as it does other changes of watched files.
final class AcmeHost: Sendable {
    let httpChallenges = HTTPChallenges()
    let tlsChallenges = ChallengeCertificates()
    private let mailbox = AcmeMailbox()
    private let hasStarted = Atomic(false)
    private let ended = DispatchGroup()
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Looks after what a configuration wants from now on; without certificates to order no thread starts.
    func serve(_ plan: AcmePlan) {
        if plan.storages.isEmpty, !hasStarted.load(ordering: .acquiring) { return }
        mailbox.post(plan)
        guard !hasStarted.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let engine = Engine(
            httpChallenges: httpChallenges, tlsChallenges: tlsChallenges, mailbox: mailbox, logger: logger,
            ended: ended)
        ended.enter()
        if !NativeThread.start("acme", { engine.run() }) {
            ended.leave()
            logger.error("acme: no thread could be started; certificates are not ordered")
        }
    }

    /// - Parameter done: called on any thread with the outcome.
    func perform(_ command: AcmeCommand, _ done: @escaping @Sendable (AcmeOutcome) -> Void) {
        guard hasStarted.load(ordering: .acquiring) else { return done(.failed("no certificates are ordered")) }
        mailbox.post(AcmeAssignment(command: command, done: done))
    }

    /// Begins nothing more, so that another process can.
    func stop() { mailbox.end() }

    /// Waits for the thread's end, but not for an authority that takes long to answer.
    func waitForEnd(within limit: Duration) {
        mailbox.end()
        _ = ended.wait(timeout: .now() + .milliseconds(Int(limit / .milliseconds(1))))
    }

    /// What is looked after, as it was after the last step.
    var status: [AcmeStatus] { mailbox.status }

    private struct Engine: Sendable {
        let httpChallenges: HTTPChallenges
        let tlsChallenges: ChallengeCertificates
        let mailbox: AcmeMailbox
        let logger: Logger
        let ended: DispatchGroup

        func run() {
            AcmeEngine(
                AcmeResponder(http: httpChallenges, tls: tlsChallenges), mailbox: mailbox, logger: logger
            ).run()
            // What it has of the thread would be lost if the process ended at the same time.
            TLSLibrary.forgetThread()
            ended.leave()
        }
    }
}

/// Passes what is wanted to the engine's thread, and back what it does.
final class AcmeMailbox: Sendable {
    private struct Content {
        var plan: AcmePlan?
        var isEnding = false
        var status: [AcmeStatus] = []
        var assignments: [AcmeAssignment] = []
    }

    /// Commands that may wait.
    private static let assignmentLimit = 16

    private let content = Mutex(Content())
    private let wakeUp = WakeUp()

    func post(_ plan: AcmePlan) {
        content.withLock { $0.plan = plan }
        wakeUp.ring()
    }

    func post(_ assignment: AcmeAssignment) {
        let isTaken = content.withLock { content in
            guard content.assignments.count < Self.assignmentLimit, !content.isEnding else { return false }
            content.assignments.append(assignment)
            return true
        }
        guard isTaken else { return assignment.done(.failed("too many commands wait, or the gateway ends")) }
        wakeUp.ring()
    }

    func takeAssignments() -> [AcmeAssignment] {
        content.withLock { content in
            defer { content.assignments = [] }
            return content.assignments
        }
    }

    func end() {
        content.withLock { $0.isEnding = true }
        wakeUp.ring()
    }

    /// Has the thread look at what has changed elsewhere.
    func wake() { wakeUp.ring() }

    func publish(_ status: [AcmeStatus]) { content.withLock { $0.status = status } }

    var status: [AcmeStatus] { content.withLock { $0.status } }
    var isEnding: Bool { content.withLock { $0.isEnding } }

    func takePlan() -> AcmePlan? {
        content.withLock { content in
            defer { content.plan = nil }
            return content.plan
        }
    }

    /// Waits for something to be posted.
    func wait(until deadline: Deadline) { _ = wait(for: [], until: deadline) }

    /// Waits for something to be posted, or for one of the descriptors.
    ///
    /// - Returns: those that can be read.
    func wait(for descriptors: [Int32], until deadline: Deadline) -> [Int32] {
        var poll = Poll()
        poll.watch(wakeUp.descriptor)
        for descriptor in descriptors { poll.watch(descriptor) }
        poll.wait(until: deadline)
        if poll.isReady(wakeUp.descriptor) { wakeUp.clear() }
        return descriptors.filter { poll.isReady($0) }
    }
}

/// Makes challenges answerable.
final class AcmeResponder: Sendable {
    private let http: HTTPChallenges
    private let tls: ChallengeCertificates

    init(http: HTTPChallenges, tls: ChallengeCertificates) {
        self.http = http
        self.tls = tls
    }

    func present(_ use: ChallengeUse, _ key: JSONWebKey, at now: Int64) throws(AcmeError) {
        switch use.type {
        case .http, .tlsALPN:
            try present(SharedChallenge(use, keyAuthorization: key.keyAuthorization(use.token)), at: now)
        case .dns: throw .local("\(use.type.rawValue) is not answered by a listener")
        // Its record is there, or the operator has to make it.
        case .dnsPersist: break
        }
    }

    /// One of this gateway's orders, or of another one's.
    func present(_ challenge: SharedChallenge, at now: Int64) throws(AcmeError) {
        switch challenge.type {
        case .http: http.set(challenge.keyAuthorization, for: challenge.token)
        case .tlsALPN:
            let text = try OwnCertificate.challenge(
                for: challenge.name, keyAuthorization: challenge.keyAuthorization, at: now)
            do throws(CertificateProblem) {
                try tls.set(text, for: challenge.name)
            } catch {
                throw .local(error.description)
            }
        case .dns, .dnsPersist: break
        }
    }

    func withdraw(_ use: ChallengeUse) { withdraw(SharedChallenge(use, keyAuthorization: "")) }

    func withdraw(_ challenge: SharedChallenge) {
        switch challenge.type {
        case .http: http.remove(challenge.token)
        case .tlsALPN: tls.remove(challenge.name)
        case .dns, .dnsPersist: break
        }
    }
}
