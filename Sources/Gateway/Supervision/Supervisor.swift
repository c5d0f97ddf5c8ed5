import Glibc
import ISAPI
import Logging
import TLS
import Transport

/// Keeps a gateway serving: binds the listeners, reads the keys, starts the gateway process and replaces it when it
/// dies.
///
/// It stays small because it has what no other process may have: privileges, keys, and the listening sockets. These are
/// never closed while the gateway has to serve, so that clients wait instead of being refused. One thread, one loop;
/// reloads, upgrades and the control socket are in the extensions of this type.
package final class Supervisor {
    /// The material that is served, or about to be.
    struct Served {
        /// Without its sites, of which there may be thousands: the archive has them.
        private(set) var configuration: Configuration
        let siteCount: Int
        let watched: WatchedFiles
        /// A `MaterialArchive` in sealed memory.
        private(set) var archive: OpenFile
        private(set) var plan: ListenerBinder.Plan

        init(configuration: Configuration, archive: OpenFile, plan: ListenerBinder.Plan) {
            siteCount = configuration.siteCount
            watched = configuration.watchedFiles
            self.configuration = configuration
            self.configuration.sites = []
            self.archive = archive
            self.plan = plan
        }

        /// The users that its pools may have.
        var poolUsers: Set<PoolSettings.UserAndGroup> {
            Set(configuration.extensions.compactMap { $0.pool?.settings.user })
        }

        /// The same with other files.
        func with(archive: OpenFile) -> Served {
            var other = self
            other.archive = archive
            return other
        }

        /// The same after its sockets are released.
        func withoutListeners() -> Served {
            var other = self
            other.plan = ListenerBinder.Plan()
            return other
        }
    }

    /// A gateway process and its role.
    final class Child {
        enum Role: String, Codable {
            /// It will serve as soon as it is ready.
            case starting
            case serving
            /// It will replace the serving process as soon as it is ready.
            case candidate
            /// Its connections are finishing.
            case ending
            /// It writes its crash report, and ends; another process has replaced it.
            case crashed
        }

        let link: any GatewayLink
        /// Starts the processes of its pools; nil for a gateway in this process.
        let hosts: HostBroker?
        var role: Role
        let began: Deadline
        /// When it is killed.
        var limit: Deadline
        var failure: GatewayError?

        init(_ link: any GatewayLink, _ role: Role, began: Deadline, limit: Deadline) {
            self.link = link
            hosts = link.hosts
            self.role = role
            self.began = began
            self.limit = limit
        }
    }

    /// The counters in the status on the control socket.
    struct Counters: Codable, Equatable {
        var restarts = 0
        var reloads = 0
        var failedReloads = 0
        var lastReload: ReloadOutcome?
        /// The newest first; nil before the first one, and from a program of an earlier version.
        var recentReloads: [ReloadOutcome]?
        /// Why gateway processes were replaced, the newest first; nil as above.
        var recentRestarts: [SupervisorEvent]?

        /// How many of each are kept.
        private static let historyLimit = 10

        mutating func note(_ reload: ReloadOutcome) {
            if reload.succeeded { reloads += 1 } else { failedReloads += 1 }
            lastReload = reload
            recentReloads = Array(([reload] + (recentReloads ?? [])).prefix(Self.historyLimit))
        }

        mutating func noteRestart(_ text: String) {
            restarts += 1
            let event = SupervisorEvent(unixSeconds: TLS.Timestamp.now.seconds, text: text)
            recentRestarts = Array(([event] + (recentRestarts ?? [])).prefix(Self.historyLimit))
        }
    }

    let configurationFile: String
    /// Whether the gateway runs in this process.
    let isSingle: Bool
    /// The program, by the path it was started from; the file at that path may change.
    let executable: String
    let signals: SignalReader
    let serviceManager: ServiceManager
    let binder: ListenerBinder
    /// For the processes of pools.
    let groups: ControlGroups?
    var logger: Logger
    var served: Served
    var admin: AdminServer?
    /// The control socket from before a reload changed it, until that reload's client has its answer.
    var retiredAdmin: AdminServer?
    var children: [Child] = []
    /// Those of gateway processes that have ended, until all their processes have.
    var leftHosts: [HostBroker] = []
    var counters = Counters()

    var reloads = ReloadQueue()
    var reloadUnderWay: ReloadUnderWay?
    var fileWatch: FolderWatch?
    var watchSchedule = WatchSchedule()
    var filesUnderWay: FilesUnderWay?
    /// Folders that could not be watched and have been logged.
    var unwatched = Set<String>()
    /// A signal requested an upgrade while none could begin.
    var isUpgradeWanted = false
    var queries: [Int: Query] = [:]
    /// Clients of the control socket that wait for the end.
    var endWaiters: [Int] = []
    var nextIdentifier = 1

    private var backoff = RestartBackoff()
    /// Set while the end is delayed.
    var leaving: Leaving?
    private var restartAt = Deadline.never
    private var hasServed = false
    private(set) var isEnding = false
    private var hasEnded = false
    private var failure: GatewayError?
    private var nextBeat = Deadline.never
    private var isBeatOutstanding = false

    /// IIS's limit on starting a worker process, and on ending one.
    static let startLimit = Delay.seconds(90)
    static let endLimit = Delay.seconds(100)
    /// For the crash report and the system's core dump.
    private static let crashLimit = Delay.seconds(30)

    /// Reads and binds everything, or continues for the program that executed this one.
    package init(configurationFile: String, isSingle: Bool) throws(GatewayError) {
        TLSLibrary.prepare()
        signals = SignalReader()
        self.configurationFile = configurationFile
        self.isSingle = isSingle
        groups = isSingle ? nil : ControlGroups()
        let handover = try Handover.receive()
        executable = handover?.executable ?? readLink("/proc/self/exe") ?? "/proc/self/exe"
        if let handover {
            serviceManager = handover.serviceManager
            let archive = OpenFile(adopting: handover.archive)
            setCloseOnExec(archive.number, true)
            let configuration = try Self.unseal(archive).configuration()
            logger = configuration.log.makeLogger()
            let plan = handover.plan()
            binder = ListenerBinder(workerCount: handover.workerCount, logger: logger)
            binder.keep(plan)
            served = Served(configuration: configuration, archive: archive, plan: plan)
            admin = handover.adminServer()
            children = handover.takeChildren(groups)
            counters = handover.counters
            nextIdentifier = handover.nextIdentifier
            if handover.isReloadWanted { reloads.postpone() }
            hasServed = true
        } else {
            let environment = ProcessEnvironment.take()
            serviceManager = ServiceManager(environment.value, pid: getpid())
            let (archive, configuration) = try MaterialArchive.read(configurationFile, workerCount: nil)
            logger = configuration.log.makeLogger()
            raiseDescriptorLimit()
            let activation = try SocketActivation(environment.value, pid: getpid())
            binder = ListenerBinder(workerCount: archive.workerCount, activated: activation.take(), logger: logger)
            let plan = try binder.bind(configuration.listeners)
            binder.keep(plan)
            served = Served(configuration: configuration, archive: try Self.seal(archive), plan: plan)
            if let path = configuration.admin.socket { admin = try AdminServer(path: path) }
        }
        keepFromPools(served.configuration)
        StorageFolders(served.configuration).make()
        watchFiles()
    }

    // MARK: The loop

    /// Returns when everything has ended; throws when the gateway cannot start.
    package func run() throws(GatewayError) {
        nextBeat = serviceManager.beat.map { Deadline.current().advanced(by: $0) } ?? .never
        if children.isEmpty { launch() } else { announceReady() }
        while !hasEnded {
            var poll = Poll()
            poll.watch(signals.descriptor)
            for child in children {
                poll.watch(child.link.descriptor)
                if let hosts = child.hosts { poll.watch(hosts.descriptor) }
            }
            if let fileWatch { poll.watch(fileWatch.descriptor) }
            admin?.watch(&poll)
            poll.wait(until: nextDeadline)
            // Before it is looked whether a child has ended: the signal for one that ends later stays readable.
            while let signal = signals.next() { handle(signal) }
            for child in children { hear(child) }
            workForPools()
            if getpid() == 1, !isSingle { Orphans.reap(sparing: children.map(\.link.pid) + hostProcesses) }
            for (client, request) in admin?.work(poll) ?? [] { handle(request, of: client) }
            if fileWatch?.hasChanged() == true { watchSchedule.changed(now: .current()) }
            meetDeadlines()
        }
        for client in endWaiters {
            admin?.respond(failure.map(AdminResponse.init) ?? AdminResponse(.done, "stopped"), to: client)
        }
        admin?.remove()
        if let failure { throw failure }
    }

    private var nextDeadline: Deadline {
        var next = min(restartAt, nextBeat, admin?.deadline ?? .never, reloadUnderWay?.deadline ?? .never)
        for child in children { next = min(next, child.limit, child.link.deadline) }
        for hosts in children.compactMap(\.hosts) + leftHosts { next = min(next, hosts.deadline) }
        for query in queries.values { next = min(next, query.deadline) }
        return min(next, watchSchedule.deadline, leaving?.until ?? .never)
    }

    private func handle(_ signal: Int32) {
        switch signal {
        case SIGHUP: if reloads.signal() { beginReload(.signal) }
        case SIGUSR1: reopenLogs()
        case SIGUSR2: beginUpgrade()
        case SIGTERM: end("signal TERM", within: served.configuration.drain.grace)
        case SIGINT: end("signal INT", within: served.configuration.drain.grace)
        case SIGQUIT: end("signal QUIT", within: nil)
        // Gateway processes are polled in every turn of the loop.
        default: break
        }
    }

    func reopenLogs() {
        for child in children where child.role != .crashed { send(to: child, .reopenLogs) }
    }

    private func meetDeadlines() {
        let now = Deadline.current()
        for child in children where child.limit <= now {
            let isLeaving = child.role == .ending || child.role == .crashed
            let reason = isLeaving ? "has not ended in time" : "was not ready in time"
            logger.error("gateway process \(child.link.pid) \(reason): ending it by force")
            child.limit = .never
            child.link.kill()
        }
        if restartAt <= now {
            restartAt = .never
            launch()
        }
        if nextBeat <= now { beat(now) }
        if let leaving, leaving.until <= now { drain(leaving.cause, within: leaving.grace) }
        if watchSchedule.deadline <= now { lookAtFiles(now) }
        abandonWaiting(now)
    }

    // MARK: Gateway processes

    /// The process that serves, or is about to.
    var current: Child? { children.first { $0.role == .serving || $0.role == .starting } }

    /// Whether a gateway serves and no other is about to replace it.
    var isSteady: Bool {
        current?.role == .serving && !isEnding && leaving == nil && !children.contains { $0.role == .candidate }
    }

    var isWaitingToRestart: Bool { restartAt != .never }

    /// Whether a reload could begin now.
    var isReloadable: Bool { isSteady || isWaitingToRestart }

    func launch() {
        restartAt = .never
        let now = Deadline.current()
        do throws(SystemError) {
            // The running program's own file, whatever is now at its path: both processes have the same version.
            let link: any GatewayLink =
                isSingle ? LocalLink() : try ProcessLink(launching: "/proc/self/exe", groups: groups)
            let child = Child(link, .starting, began: now, limit: now.advanced(by: Self.startLimit))
            children.append(child)
            try hand(served, to: child, .start)
        } catch {
            logger.error("cannot start a gateway process: \(error.description)")
            if let child = current { child.link.kill() } else { scheduleRestart(lifetime: .zero) }
        }
    }

    func send(to child: Child, _ request: ControlRequest) {
        do throws(SystemError) {
            try child.link.send(request, [])
        } catch {
            logger.error("gateway process \(child.link.pid) cannot be reached: \(error.description)")
        }
    }

    private func hear(_ child: Child) {
        while let reply = child.link.receive() { handle(reply, from: child) }
        guard let ending = child.link.ending() else { return }
        // Its last messages before it ended.
        while let reply = child.link.receive() { handle(reply, from: child) }
        children.removeAll { $0 === child }
        if let hosts = child.hosts {
            hosts.endAll()
            leftHosts.append(hosts)
        }
        ended(child, ending)
    }

    /// Carries out what gateway processes ask for on behalf of their pools.
    private func workForPools() {
        let usual = served.configuration.user.map { PoolSettings.UserAndGroup(user: $0.user, group: $0.group) }
        let allowed = served.poolUsers.union(reloadUnderWay?.candidate.poolUsers ?? [])
        for child in children { child.hosts?.work(usual: usual, allowed: allowed) }
        for hosts in leftHosts { hosts.reap() }
        leftHosts.removeAll(where: \.isEmpty)
    }

    /// Processes of pools that have not been waited for.
    private var hostProcesses: [pid_t] {
        (children.compactMap(\.hosts) + leftHosts).flatMap { Array($0.hosts.keys) }
    }

    private func handle(_ reply: ControlReply, from child: Child) {
        switch reply {
        case .ready: ready(child)
        case .failed(let failure): child.failure = failure.error
        case .crashing: crashed(child)
        case .reloaded(let id, let report): finishReload(id, .success(report))
        case .notReloaded(let id, let failure): finishReload(id, .failure(failure.error))
        case .status(let id, let status): answer(id, status)
        case .certificates(let id, let certificates): answer(id, certificates)
        case .pools(let id, let pools): answer(id, pools)
        case .poolCommand(let id, let isDone, let text): answer(id, isDone: isDone, text)
        case .trace(let id, let report): answer(id, report)
        case .beat:
            isBeatOutstanding = false
            serviceManager.notify(.alive)
        case .ended: break
        }
    }

    private func ready(_ child: Child) {
        logger.notice("ready: \(binder.workerCount) workers, \(served.siteCount) sites")
        switch child.role {
        case .starting:
            child.role = .serving
            child.limit = .never
            hasServed = true
            announceReady()
        case .candidate: promote(child)
        case .serving, .ending, .crashed: break
        }
        giveBackFreeMemory()
    }

    func announceReady() {
        informGateway()
        serviceManager.notify(.ready(status: "serving \(served.siteCount) sites"))
        if reloads.resume() {
            beginReload(.signal)
        } else if isUpgradeWanted {
            beginUpgrade()
        }
    }

    private func ended(_ child: Child, _ ending: GatewayEnding) {
        let text = "gateway process \(child.link.pid) \(ending.description)"
        if isEnding || (isSingle && child.failure == nil) {
            if ending != .exited(0) { logger.warning("\(text)") }
            hasEnded = hasEnded || children.isEmpty
            return
        }
        switch child.role {
        case .ending:
            logger.notice("\(text): its connections have finished")
            informGateway()
        case .crashed: logger.error("\(text)")
        case .candidate: failUpgrade(child.failure?.message ?? text)
        case .starting, .serving:
            if let reason = child.failure {
                guard hasServed else { return fail(reason) }
                logger.error("\(reason.message)")
            }
            replace(child, text)
        }
    }

    /// It has crashed and is about to write its crash report; nothing waits for that.
    private func crashed(_ child: Child) {
        let isServing = child.role == .serving || child.role == .starting && hasServed
        guard isServing, !isEnding, !isSingle else { return }
        child.role = .crashed
        child.limit = Deadline.current().advanced(by: Self.crashLimit)
        replace(child, "gateway process \(child.link.pid) has crashed")
    }

    /// Starts another process in place of one that has ended, or is ending.
    private func replace(_ child: Child, _ text: String) {
        counters.noteRestart(text)
        isBeatOutstanding = false
        failReload("\(text) during the reload")
        failQueries("\(text)")
        let lifetime = Deadline.current().milliseconds - child.began.milliseconds
        scheduleRestart(lifetime: .milliseconds(Int(lifetime)), after: text)
    }

    private func scheduleRestart(lifetime: Duration, after text: String = "no gateway process") {
        let pause = backoff.pause(afterLiving: lifetime)
        if pause == .zero {
            logger.error("\(text): starting another (\(Condition.Word.gatewayProcessReplaced.rawValue))")
            launch()
        } else {
            logger.error(
                "\(text): starting another in \(formatTime(pause)) (\(Condition.Word.gatewayProcessReplaced.rawValue))")
            restartAt = Deadline.current().advanced(by: Delay(pause))
        }
    }

    private func fail(_ reason: GatewayError) {
        failure = reason
        hasEnded = true
    }

    // MARK: Watchdog

    /// Sends a message through every event loop; if no gateway runs, the turn of this loop is the proof of life.
    private func beat(_ now: Deadline) {
        nextBeat = serviceManager.beat.map { now.advanced(by: $0) } ?? .never
        guard let current, current.role == .serving else { return serviceManager.notify(.alive) }
        guard !isBeatOutstanding else { return }
        isBeatOutstanding = true
        send(to: current, .beat(id: 0))
    }

    /// Refuses new connections and lets the others finish within `grace`, without limit when nil.
    func drain(_ cause: String, within grace: Duration?) {
        leaving = nil
        isEnding = true
        restartAt = .never
        logger.notice("ending: \(cause)")
        serviceManager.notify(.stopping)
        binder.closeAll()
        served = served.withoutListeners()
        let delay = grace.map { Delay($0) }
        for child in children where child.role != .crashed {
            child.role = .ending
            retire(child, after: delay, isReplaced: false)
        }
        hasEnded = children.isEmpty
    }
}
