import Dispatch
import ISAPI
import Logging
import Synchronization
import TLS
import Transport

/// The part of a gateway that learns servers of upstreams from etcd, with a thread for each of these upstreams.
///
/// What is learned is written into a file for each, where the supervisor notices it, as it does other changes of watched
/// files. So servers from etcd are used as those of other files are, and the last known ones are there after a restart.
final class EtcdHost: Sendable {
    private let followers = Mutex<[String: EtcdMailbox]>([:])
    private let ended = DispatchGroup()
    private let logger: Logger

    /// JSON and YAML may contain values in values, each of which takes some of the stack.
    private static let stackSize = 1 << 20

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Learns what a configuration wants from now on. What has not changed goes on.
    func serve(_ plan: EtcdPlan) {
        followers.withLock { followers in
            let wanted = Dictionary(plan.sources.map { ($0.upstream, $0) }) { one, _ in one }
            for (name, mailbox) in followers where wanted[name] != mailbox.source {
                mailbox.end()
                followers[name] = nil
            }
            for source in plan.sources where followers[source.upstream] == nil {
                let mailbox = EtcdMailbox(source)
                followers[source.upstream] = mailbox
                start(mailbox, stored: plan.stored[source.file])
            }
        }
    }

    private func start(_ mailbox: EtcdMailbox, stored: [UInt8]?) {
        ended.enter()
        let isStarted = NativeThread.start("etcd", stack: Self.stackSize) { [logger, ended] in
            EtcdFollower(mailbox, stored: stored, logger: logger).run()
            // What it has of the thread would be lost if the process ended at the same time.
            TLSLibrary.forgetThread()
            ended.leave()
        }
        if !isStarted {
            ended.leave()
            logger.error("etcd: no thread could be started for upstream \(mailbox.source.upstream)")
        }
    }

    /// Learns nothing more, so that another process can.
    func stop() {
        followers.withLock { followers in
            for mailbox in followers.values { mailbox.end() }
        }
    }

    /// Waits for the threads' end, but not for a name server that takes long to answer.
    func waitForEnd(within limit: Duration) {
        stop()
        _ = ended.wait(timeout: .now() + .milliseconds(Int(limit / .milliseconds(1))))
    }

    /// What is known of each upstream, by its name.
    var status: [EtcdStatus] {
        followers.withLock { $0.values.map(\.status) }.sorted { $0.upstream < $1.upstream }
    }
}

/// Passes to the thread of an upstream that it ends, and back what it knows.
final class EtcdMailbox: Sendable {
    let source: EtcdSource
    /// Is rung at the end, and never cleared: every wait ends.
    let wakeUp = WakeUp()
    private let hasEnded = Atomic(false)
    private let content: Mutex<EtcdStatus>

    init(_ source: EtcdSource) {
        self.source = source
        content = Mutex(
            EtcdStatus(
                upstream: source.upstream, prefix: source.configuration.prefix, keys: 0, servers: 0, failures: 0,
                refused: [], refusedCount: 0))
    }

    func end() {
        hasEnded.store(true, ordering: .releasing)
        wakeUp.ring()
    }

    var isEnding: Bool { hasEnded.load(ordering: .acquiring) }
    var status: EtcdStatus { content.withLock { $0 } }
    func publish(_ status: EtcdStatus) { content.withLock { $0 = status } }

    /// Waits for the end.
    func wait(until deadline: Deadline) {
        var poll = Poll()
        poll.watch(wakeUp.descriptor)
        poll.wait(until: deadline)
    }
}
