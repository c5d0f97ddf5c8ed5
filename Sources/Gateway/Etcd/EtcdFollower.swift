import ACME
import Glibc
import Logging
import TLS
import Transport

/// Learns the servers of one upstream, on a thread of its own: reads every key, then follows their changes, and reads
/// everything again whenever that is in doubt. Keeps what it knows in a file.
final class EtcdFollower {
    private let mailbox: EtcdMailbox
    private let logger: Logger
    private let source: EtcdSource
    private var servers: EtcdServers
    /// Held as long as the file is written by this one.
    private var lock: OpenFile?
    private var known: EtcdClient?
    private var pace: EtcdPace
    private var status: EtcdStatus
    /// What the log has been told of.
    private var problems: [EtcdServers.Problem] = []
    private var isEmptyLogged = false

    /// Several changes that come together are written once.
    private static let quiet = Delay.milliseconds(50)
    private static let lockPause = Delay.milliseconds(250)

    init(_ mailbox: EtcdMailbox, stored: [UInt8]?, logger: Logger) {
        self.mailbox = mailbox
        self.logger = logger
        source = mailbox.source
        status = mailbox.status
        let members = mailbox.source.configuration.endpoints.count
        // So that the gateways of a fleet do not all watch the same member.
        pace = EtcdPace(members: members, first: .random(in: 0..<max(members, 1)))
        servers = EtcdServers(stored: stored.map { StoredServers.decode($0, file: mailbox.source.file) } ?? [])
    }

    /// Until the gateway ends, or wants something else.
    func run() {
        while !mailbox.isEnding {
            let member = pace.member
            var isFruitless = true
            let failure: EtcdFailure
            do throws(EtcdFailure) {
                try lockFile()
                try follow(member) { isFruitless = false }
                return
            } catch {
                failure = error
            }
            if mailbox.isEnding { return }
            let pause = pace.failed(isFruitless: isFruitless, chance: .random(in: 0...1))
            note(failure, of: member)
            mailbox.wait(until: Deadline.current().advanced(by: pause))
        }
    }

    // MARK: Following

    /// Until the gateway ends, or the member is of no more use.
    ///
    /// - Parameter learned: called after each answer about all keys.
    private func follow(_ member: Int, _ learned: () -> Void) throws(EtcdFailure) {
        let client = try client()
        try take(try client.range(at: member), from: member)
        learned()
        let watch = try client.watch(at: member, from: servers.revision + 1)
        let interval = Delay(source.configuration.interval)
        var nextReading = Deadline.current().advanced(by: interval)
        var nextWriting = Deadline.never
        while !mailbox.isEnding {
            for notice in try watch.next(until: min(nextReading, nextWriting)) {
                switch notice {
                case .changes(let changes, let revision):
                    try servers.apply(changes, upTo: revision)
                    if !changes.isEmpty, nextWriting == .never {
                        nextWriting = Deadline.current().advanced(by: Self.quiet)
                    }
                case .compacted(let revision): throw .ended("what came before revision \(revision) was compacted")
                case .ended(let reason): throw .refused(status: nil, visibleText(reason))
                }
                status.answeredAt = TLS.Timestamp.now.seconds
            }
            let now = Deadline.current()
            if nextWriting <= now {
                nextWriting = .never
                try keep()
            }
            if nextReading <= now {
                nextReading = now.advanced(by: interval)
                let range = try client.range(at: member)
                let isOlder = range.revision < servers.revision
                try take(range, from: member)
                learned()
                pace.lasted()
                // After a backup was restored the watch may wait for a revision that does not come for long.
                if isOlder { throw .ended("etcd has gone back to revision \(range.revision)") }
            }
            publish()
        }
    }

    private func client() throws(EtcdFailure) -> EtcdClient {
        if let known { return known }
        let client = try EtcdClient(source, interrupt: mailbox.wakeUp)
        known = client
        return client
    }

    /// Uses everything that there is.
    private func take(_ range: EtcdRange, from member: Int) throws(EtcdFailure) {
        try servers.replace(with: range)
        try keep()
        let endpoint = source.configuration.endpoints[member].description
        if status.answeredAt == nil {
            logger.notice("etcd: \(summary) from \(endpoint) at revision \(range.revision)")
        } else if status.problem != nil {
            logger.notice("etcd: \(summary) from \(endpoint) again, at revision \(range.revision)")
        }
        pace.succeeded()
        status.problem = nil
        status.endpoint = endpoint
        status.answeredAt = TLS.Timestamp.now.seconds
        publish()
    }

    private var summary: String {
        let count = servers.servers.count
        return "\(count) \(count == 1 ? "server" : "servers") of upstream \(source.upstream)"
    }

    // MARK: The file

    /// Another gateway that keeps other servers in the same file would replace those of this one.
    private func lockFile() throws(EtcdFailure) {
        if lock != nil { return }
        let path = source.file + ".lock"
        // What prevents it is told when the file is opened.
        if let end = path.lastIndex(of: "/") { try? StoredFile.makeFolders(String(path[..<end])) }
        let deadline = Deadline.current().advanced(by: Delay(source.configuration.timeout))
        while !mailbox.isEnding {
            let file = OpenFile(Descriptor(opening: path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600))
            guard file.isOpen else { throw .local("\(path) cannot be opened: \(systemMessage(errno))") }
            if file.use({ flock($0, LOCK_EX | LOCK_NB) }) == 0 {
                lock = file
                return
            }
            guard errno == EWOULDBLOCK else { throw .local("\(path) cannot be locked: \(systemMessage(errno))") }
            guard deadline > .current() else {
                throw .local("\(source.file) is in use by another gateway; give each a storage of its own")
            }
            // The one that this one replaces is ending.
            mailbox.wait(until: Deadline.current().advanced(by: Self.lockPause))
        }
    }

    /// Writes the servers, unless the file has them.
    private func keep() throws(EtcdFailure) {
        report()
        guard !servers.servers.isEmpty, !mailbox.isEnding else { return }
        let content = StoredServers.encode(servers.servers)
        if (try? readFile(source.file, atMost: ServersFile.maximumBytes)) == content { return }
        do throws(FileFailure) {
            try StoredFile.replace(source.file, with: content, mode: 0o600)
        } catch {
            throw .local("\(source.file) cannot be written: \(error.message)")
        }
    }

    // MARK: Reports

    /// Tells the log about keys that cannot be used, and that there is none.
    private func report() {
        let present = servers.problems
        for problem in present where !problems.contains(problem) {
            logger.warning(
                "etcd: key \(problem.key) of upstream \(source.upstream) cannot be used: \(problem.reason) (\(Condition.Word.etcdValueRefused.rawValue))"
            )
        }
        problems = present
        if servers.isEmpty, !isEmptyLogged {
            logger.warning(
                "etcd: no key begins with \(source.configuration.prefix): \(summary) stay in use (\(Condition.Word.etcdEmpty.rawValue))"
            )
        }
        isEmptyLogged = servers.isEmpty
    }

    private func note(_ failure: EtcdFailure, of member: Int) {
        let endpoint = source.configuration.endpoints[member].description
        status.endpoint = nil
        if case .ended(let reason) = failure {
            logger.info("etcd: \(reason): reading the servers of upstream \(source.upstream) again")
        } else {
            status.failures += 1
            let isFirst = status.problem == nil
            let reason = if case .local(let text) = failure { text } else { "\(endpoint): \(failure.message)" }
            if pace.isLost {
                status.problem = reason
                if isFirst {
                    logger.warning(
                        "etcd: the servers of upstream \(source.upstream) cannot be learned: \(reason); the last known ones stay in use (\(Condition.Word.etcdFailing.rawValue))"
                    )
                }
            } else {
                logger.info("etcd: upstream \(source.upstream): \(reason); trying again")
            }
        }
        publish()
    }

    private func publish() {
        status.revision = servers.revision > 0 ? servers.revision : nil
        status.keys = servers.revision > 0 ? servers.keyCount : 0
        status.servers = servers.servers.count
        status.refused = problems.prefix(EtcdStatus.refusalLimit).map {
            EtcdStatus.Refusal(key: $0.key, reason: $0.reason)
        }
        status.refusedCount = problems.count
        mailbox.publish(status)
    }
}
