import CLinux
import Glibc
import ISAPI
import Logging
import Synchronization
import TLS
import Transport

/// Runs a gateway according to the supervisor's requests, in a gateway process or in the supervisor's own process.
///
/// Everything happens on one thread, which polls `descriptor` and calls `work` when it is readable or `deadline`
/// passes.
final class GatewayHost {
    private enum State {
        case idle
        case serving(any GatewayControl)
        /// Connections are finishing; the deadline is the end of the grace period.
        case draining(any GatewayControl, cutAt: Deadline)
        /// The remaining connections have been cut.
        case aborted(any GatewayControl)
        case ended
    }

    /// Messages of other threads.
    private struct Mail {
        var hasStopped = false
        var beats: [Int] = []
        var replies: [ControlReply] = []
        var traces: [FoundTrace] = []
    }

    /// What the workers have found for a question.
    private struct FoundTrace {
        let id: Int
        let filter: TraceFilter
        let records: [CollectedRecords]
    }

    private let launcher: any HostLauncher
    private var state = State.idle
    private var sockets: [BoundSocket] = []
    private var logger: Logger?
    private let mail = Mailbox()
    private var memoryReturn = MemoryReturn(at: .current())

    /// How long extensions may take to finish their requests in an ordinary stop.
    private var unloadLimit = Duration.zero
    private static let pressedUnloadLimit = Duration.seconds(1)

    /// - Parameter launcher: starts the processes of pools.
    init(launcher: any HostLauncher = ChildLauncher()) {
        self.launcher = launcher
    }

    /// Readable when `work` has something to do.
    var descriptor: Int32 { mail.wakeUp.descriptor }

    /// When `work` has something to do even though nothing is readable.
    var deadline: Deadline {
        switch state {
        case .draining(_, let cutAt): cutAt
        case .serving: memoryReturn.nextLook
        case .idle, .aborted, .ended: .never
        }
    }

    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }

    // MARK: Requests

    /// Executes the request and returns the answers that are available immediately.
    func handle(_ request: ControlRequest, _ descriptors: [OpenFile]) -> [ControlReply] {
        switch request {
        case .sockets(let labels):
            adopt(labels, descriptors)
            return []
        case .start: return [start(descriptors)]
        case .reload(let id): return [reload(id, descriptors) { $0.reload($1) }]
        case .exchangeCertificates(let id): return [reload(id, descriptors) { $0.exchangeCertificates($1) }]
        case .drain(let grace, let isReplaced):
            drain(graceMilliseconds: grace, isReplaced: isReplaced ?? true)
            return hasEnded ? [.ended] : []
        case .abort:
            abort()
            return hasEnded ? [.ended] : []
        case .reopenLogs:
            gateway?.reopenLogs()
            return []
        case .status(let id): return gateway.map { [.status(id: id, $0.status())] } ?? []
        case .certificates(let id): return gateway.map { [.certificates(id: id, $0.certificateSummaries())] } ?? []
        case .pools(let id): return gateway.map { [.pools(id: id, $0.poolStatus())] } ?? []
        case .poolCommand(let id, let command, let pool):
            gateway?.perform(command, onPool: pool) { [mail] outcome in
                mail.post { mail in
                    switch outcome {
                    case .success(let text): mail.replies.append(.poolCommand(id: id, isDone: true, text))
                    case .failure(let error): mail.replies.append(.poolCommand(id: id, isDone: false, error.text))
                    }
                }
            }
            return []
        case .acme(let id, let command):
            gateway?.perform(command) { [mail] outcome in
                mail.post { $0.replies.append(.poolCommand(id: id, isDone: outcome.isDone, outcome.text)) }
            }
            return []
        case .trace(let id, let filter): return trace(id, filter)
        case .supervisor(let facts):
            gateway?.take(facts)
            return []
        case .beat(let id):
            gateway?.heartbeat { [mail] in mail.post { $0.beats.append(id) } }
            return []
        }
    }

    /// The answer is made on this thread when every worker has passed on what it has.
    private func trace(_ id: Int, _ filter: TraceFilter) -> [ControlReply] {
        guard let gateway else { return [] }
        let isRecording = gateway.trace(filter) { [mail] records in
            mail.post { $0.traces.append(FoundTrace(id: id, filter: filter, records: records)) }
        }
        return isRecording ? [] : [.trace(id: id, nil)]
    }

    private var gateway: (any GatewayControl)? {
        switch state {
        case .serving(let gateway), .draining(let gateway, _), .aborted(let gateway): gateway
        case .idle, .ended: nil
        }
    }

    private func adopt(_ labels: [SocketLabel], _ descriptors: [OpenFile]) {
        for (label, descriptor) in zip(labels, descriptors) {
            let socket = ListeningSocket(descriptor.duplicate())
            sockets.append(
                BoundSocket(
                    listener: label.listener, address: socket.address.description, worker: label.worker, socket: socket)
            )
        }
    }

    private func start(_ descriptors: [OpenFile]) -> ControlReply {
        do throws(GatewayError) {
            guard case .idle = state else { throw .runtime("the gateway serves already") }
            let material = try readMaterial(descriptors, areCertificatesNew: true)
            let logger = material.configuration.log.makeLogger()
            self.logger = logger
            unloadLimit = material.configuration.drain.grace
            let gateway = Gateway(material.configuration, logger: logger, launcher: launcher) { [mail] in
                mail.post { $0.hasStopped = true }
            }
            try gateway.start(material)
            state = .serving(gateway)
            return .ready
        } catch {
            state = .ended
            return .failed(ControlFailure(error))
        }
    }

    private func reload(
        _ id: Int, _ descriptors: [OpenFile],
        by serve: (any GatewayControl, Material) -> Result<ReloadReport, GatewayError>
    ) -> ControlReply {
        do throws(GatewayError) {
            guard case .serving(let gateway) = state else { throw .runtime("the gateway is not serving") }
            let material = try readMaterial(descriptors, areCertificatesNew: false)
            return .reloaded(id: id, try serve(gateway, material).get())
        } catch {
            return .notReloaded(id: id, ControlFailure(error))
        }
    }

    /// - Parameter areCertificatesNew: whether most of them have to be parsed.
    private func readMaterial(
        _ descriptors: [OpenFile], areCertificatesNew: Bool
    ) throws(GatewayError) -> Material {
        defer { sockets = [] }
        guard let sealed = descriptors.first else { throw .runtime("no archive came with the request") }
        let archive: MaterialArchive
        do {
            archive = try MaterialArchive(
                decoding: try SealedMemory.read(sealed, atMost: MaterialArchive.maximumBytes))
        } catch let error as ArchiveError {
            throw .runtime(error.message)
        } catch {
            throw .runtime("cannot read the archive: \(error)")
        }
        let chains = ChainReader()
        let configuration = try chains.parseAhead(areCertificatesNew ? archive.files : [:]) { () throws(GatewayError) in
            try archive.configuration()
        }
        return Material(
            configurationFile: archive.configurationFile, configuration: configuration, files: archive.files,
            chains: chains, workerCount: archive.workerCount, sockets: sockets)
    }

    // MARK: Ending

    private func drain(graceMilliseconds: Int?, isReplaced: Bool) {
        switch state {
        case .idle: state = .ended
        case .serving(let gateway):
            beginDrain(gateway, isReplaced: isReplaced)
            let cutAt = graceMilliseconds.map { Deadline.current().advanced(by: Delay(.milliseconds($0))) }
            state = .draining(gateway, cutAt: cutAt ?? .never)
        case .draining, .aborted, .ended: break
        }
    }

    private func beginDrain(_ gateway: any GatewayControl, isReplaced: Bool = false) {
        gateway.drain(isReplaced: isReplaced) { [logger] in logger?.notice("draining") }
    }

    private func abort() {
        switch state {
        case .idle: state = .ended
        case .serving(let gateway):
            beginDrain(gateway)
            gateway.abort()
            state = .aborted(gateway)
        case .draining(let gateway, _):
            gateway.abort()
            state = .aborted(gateway)
        case .aborted, .ended: break
        }
    }

    // MARK: Events

    /// Handles the messages of other threads and expired deadlines.
    func work() -> [ControlReply] {
        mail.wakeUp.clear()
        var replies: [ControlReply] = []
        let mail = mail.take()
        replies += mail.beats.map { .beat(id: $0) } + mail.replies
        for found in mail.traces {
            replies.append(.trace(id: found.id, gateway?.report(found.records, for: found.filter)))
        }
        if mail.hasStopped {
            finish()
            replies.append(.ended)
        }
        if case .serving(let gateway) = state { returnMemory(of: gateway) }
        if case .draining(let gateway, let cutAt) = state, cutAt <= .current() {
            logger?.warning("grace period over: cutting the connections that are left")
            gateway.abort()
            state = .aborted(gateway)
        }
        return replies
    }

    private func returnMemory(of gateway: any GatewayControl) {
        let now = Deadline.current()
        guard memoryReturn.nextLook <= now else { return }
        let (highest, open) = gateway.takeConnectionLevels()
        if memoryReturn.look(highest: highest, open: open, at: now) { giveBackFreeMemory() }
    }

    private func finish() {
        switch state {
        case .serving(let gateway), .draining(let gateway, _): gateway.finish(within: unloadLimit)
        case .aborted(let gateway): gateway.finish(within: Self.pressedUnloadLimit)
        case .idle, .ended: break
        }
        state = .ended
    }

    /// The queue for messages of other threads.
    private final class Mailbox: Sendable {
        let wakeUp = WakeUp()
        private let content = Mutex(Mail())

        func post(_ change: (inout sending Mail) -> Void) {
            content.withLock { change(&$0) }
            wakeUp.ring()
        }

        func take() -> Mail {
            content.withLock { content in
                defer { content = Mail() }
                return content
            }
        }
    }
}
