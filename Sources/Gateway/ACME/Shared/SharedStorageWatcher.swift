import ACME
import Dispatch
import ISAPI
import Logging
import Redis
import Synchronization
import TLS
import Transport

/// Follows a shared storage on a thread of its own: copies what others write, answers the challenges of their orders, and
/// announces that this instance is there.
final class SharedStorageWatcher: Sendable {
    private let copy: SharedStorageCopy
    private let responder: AcmeResponder
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let isEnding = Atomic(false)
    private let wakeUp = WakeUp()
    private let ended = DispatchGroup()

    /// How long the server waits for a change before it answers that there was none.
    private static let patience = Delay.milliseconds(250)
    /// An instance that was not heard of for so long is not waited for.
    private static let presence = 5000
    private static let announcementPause = Delay.seconds(1)
    private static let reconnectionPause = Delay.milliseconds(500)
    /// After a longer silence everything is read anew: the stream of changes has an end.
    private static let longestSilence = Delay.seconds(30)

    init(
        _ copy: SharedStorageCopy, _ responder: AcmeResponder, _ logger: Logger,
        changed: @escaping @Sendable () -> Void
    ) {
        self.copy = copy
        self.responder = responder
        self.logger = logger
        self.changed = changed
    }

    func start() {
        ended.enter()
        if !NativeThread.start("acme-shared", { [self] in run() }) {
            ended.leave()
            logger.error("acme: no thread could be started; what other gateways order is not noticed")
        }
    }

    /// Waits for its end, which takes as long as the server's patience at most.
    func stop() {
        isEnding.store(true, ordering: .releasing)
        wakeUp.ring()
        _ = ended.wait(timeout: .now() + .milliseconds(2 * Int(Self.patience.milliseconds)))
    }

    /// Waits, but not beyond the end.
    func pause(_ time: Delay) {
        var poll = Poll()
        poll.watch(wakeUp.descriptor)
        poll.wait(until: Deadline.current().advanced(by: time))
    }

    private var mayGoOn: Bool { !isEnding.load(ordering: .acquiring) }

    private func run() {
        var presented: [String: SharedChallenge] = [:]
        while mayGoOn {
            do throws(BlockingRedisFailure) {
                let redis = try copy.connect()
                try follow(redis, &presented)
                if !mayGoOn { try leave(redis) }
            } catch {
                if mayGoOn {
                    note(lost: error.message)
                    pause(Self.reconnectionPause)
                }
            }
        }
        for challenge in presented.values { withdraw(challenge) }
        TLSLibrary.forgetThread()
        ended.leave()
    }

    private func note(lost reason: String) {
        guard copy.note(problem: "\(copy.server): \(reason)") else { return }
        logger.warning(
            "acme: \(copy.server): \(reason); certificates in hand are served, and none is ordered until it is back")
        changed()
    }

    private func leave(_ redis: BlockingRedis) throws(BlockingRedisFailure) {
        _ = try redis.run(["ZREM", copy.keys.instances, copy.instance])
    }

    /// Until the connection fails, was silent for too long, or the gateway ends.
    private func follow(_ redis: BlockingRedis, _ presented: inout [String: SharedChallenge])
        throws(BlockingRedisFailure)
    {
        try announce(redis)
        // What is written while everything is read is in the stream behind this place.
        var place = try lastChange(redis)
        try readAll(redis, &presented)
        if copy.note(problem: nil) { logger.notice("acme: \(copy.server) is back") }
        var heard = Deadline.current()
        var announceAt = heard.advanced(by: Self.announcementPause)
        var hasHeld = copy.held != nil
        while mayGoOn {
            let now = Deadline.current()
            if now > heard.advanced(by: Self.longestSilence) { return }
            heard = now
            // Whoever had the lock has not copied what others have written meanwhile.
            if hasHeld, copy.held == nil { return }
            hasHeld = copy.held != nil
            if now >= announceAt {
                try announce(redis)
                announceAt = now.advanced(by: Self.announcementPause)
            }
            let changes = try nextChanges(redis, &place)
            if changes.isEmpty { continue }
            try apply(changes, redis, &presented)
            changed()
        }
    }

    private func announce(_ redis: BlockingRedis) throws(BlockingRedisFailure) {
        let reply = try redis.run(
            SharedStorageScripts.announce, keys: [copy.keys.instances],
            [Array(copy.instance.utf8), Array(String(Self.presence).utf8)])
        guard reply.number != nil else { throw .unexpected }
        guard let held = copy.held else { return }
        // A step of an order may take long: a command that publishes a record, an authority that answers slowly.
        let isProlonged = try redis.run(
            SharedStorageScripts.prolong, keys: [copy.keys.lock],
            [Array(held.utf8), Array(String(copy.lockTime.milliseconds).utf8)])
        if isProlonged.number != 1 {
            copy.lose(held)
            changed()
        }
    }

    // MARK: Changes

    private struct Changes {
        /// By folder.
        var entries: [String: [String]] = [:]
        var challenges: [String] = []
        var revision: Int64 = 0
        var isEmpty: Bool { entries.isEmpty && challenges.isEmpty }
    }

    private func lastChange(_ redis: BlockingRedis) throws(BlockingRedisFailure) -> String {
        let reply = try redis.run(["XREVRANGE", copy.keys.changes, "+", "-", "COUNT", "1"])
        guard let elements = reply.elements else { throw .unexpected }
        return elements.first?.elements?.first?.text ?? "0-0"
    }

    private func nextChanges(_ redis: BlockingRedis, _ place: inout String) throws(BlockingRedisFailure) -> Changes {
        var changes = Changes()
        let reply = try redis.run(
            [
                "XREAD", "COUNT", "200", "BLOCK", String(Self.patience.milliseconds), "STREAMS", copy.keys.changes,
                place,
            ], waits: Self.patience)
        if reply.isNothing { return changes }
        // One stream, with its name.
        guard let entries = reply.elements?.first?.elements?.last?.elements else { throw .unexpected }
        for entry in entries {
            guard let parts = entry.elements, parts.count == 2, let id = parts[0].text, let fields = parts[1].elements
            else { throw .unexpected }
            place = id
            var values: [String: String] = [:]
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                if let name = fields[index].text, let value = fields[index + 1].text { values[name] = value }
            }
            if let folder = values["folder"], let name = values["entry"] {
                changes.entries[folder, default: []].append(name)
                changes.revision = max(changes.revision, Int64(values["revision"] ?? "") ?? 0)
            }
            if let challenge = values["challenge"] { changes.challenges.append(challenge) }
        }
        return changes
    }

    private func apply(
        _ changes: Changes, _ redis: BlockingRedis, _ presented: inout [String: SharedChallenge]
    ) throws(BlockingRedisFailure) {
        for challenge in Set(changes.challenges) { try renew(challenge, redis, &presented) }
        // The holder of the lock has written them itself.
        guard copy.held == nil else { return }
        for (folder, names) in changes.entries { try copy.take(Array(Set(names)), of: folder, from: redis) }
        try note(changes.revision)
    }

    private func note(_ revision: Int64) throws(BlockingRedisFailure) {
        do throws(AcmeError) { try copy.note(revision: revision) } catch { throw BlockingRedisFailure(error.message) }
    }

    private func readAll(_ redis: BlockingRedis, _ presented: inout [String: SharedChallenge])
        throws(BlockingRedisFailure)
    {
        let reply = try redis.run(["HKEYS", copy.keys.challenges])
        guard let elements = reply.elements else { throw .unexpected }
        for name in Set(elements.compactMap(\.text)).union(presented.keys) { try renew(name, redis, &presented) }
        guard copy.held == nil else { return }
        let revision = try redis.run(["GET", copy.keys.revision]).number ?? 0
        // A server that has lost writes gets them from the next holder of the lock.
        guard revision >= copy.revision else { return }
        for folder in SharedStorageCopy.folders {
            try copy.take(try copy.names(of: folder, from: redis), of: folder, from: redis)
        }
        try note(revision)
        changed()
    }

    // MARK: Challenges

    private func renew(
        _ name: String, _ redis: BlockingRedis, _ presented: inout [String: SharedChallenge]
    ) throws(BlockingRedisFailure) {
        let reply = try redis.run(["HGET", copy.keys.challenges, name])
        guard let challenge = reply.bytes.flatMap(SharedChallenge.init(stored:)), challenge.key == name else {
            if let known = presented.removeValue(forKey: name) { withdraw(known) }
            return
        }
        do throws(AcmeError) {
            try responder.present(challenge, at: TLS.Timestamp.now.seconds)
        } catch {
            logger.warning("acme: the challenge for \(challenge.name) cannot be answered here: \(error.message)")
            return
        }
        presented[name] = challenge
        _ = try redis.run(
            SharedStorageScripts.acknowledge, keys: [copy.keys.acknowledgements(of: name)],
            [Array(copy.instance.utf8), Array("60000".utf8)])
    }

    private func withdraw(_ challenge: SharedChallenge) { responder.withdraw(challenge) }
}
