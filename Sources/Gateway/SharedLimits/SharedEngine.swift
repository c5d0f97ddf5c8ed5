import Logging
import Proxy
import Redis
import Synchronization
import Transport

/// A Redis server in use, on every worker.
final class SharedEngine: Sendable {
    let configuration: SharedEngineConfiguration
    let resolver: ResolverConfiguration
    /// The files that the configuration names, which may change while it stays.
    let material: [[UInt8]]
    let state: SharedEngineState
    /// One for each worker.
    let links: [SharedEngineLink]
    private let watches = Mutex<[Resolver.Watch]>([])

    init(
        _ configuration: SharedEngineConfiguration, resolver: ResolverConfiguration, material: [[UInt8]],
        settings: RedisSettings, instance: String, workers: [Worker], logger: Logger
    ) {
        self.configuration = configuration
        self.resolver = resolver
        self.material = material
        let state = SharedEngineState(configuration, logger)
        self.state = state
        links = workers.map { SharedEngineLink(configuration, settings, instance: instance, $0, state) }
    }

    /// Connects, and follows the addresses of names; where there are only names, as soon as the first is resolved.
    func start(_ names: ServerNames) {
        let hosts = configuration.redis.hosts
        for (index, host) in hosts.enumerated() where host.address == nil {
            let name = ServiceName(host: host.name, port: host.port, isService: false)
            let watch = names.watch(name, resolver) { [links] addresses in
                for link in links {
                    link.client.worker.perform { _ in
                        if let addresses { link.client.move(host: index, to: addresses) }
                        link.client.start()
                    }
                }
            }
            watches.withLock { $0.append(watch) }
        }
        guard hosts.isEmpty || hosts.contains(where: { $0.address != nil }) else { return }
        for link in links { link.client.worker.perform { _ in link.client.start() } }
    }

    /// Requests in progress are still counted; then the connections end.
    func retire() {
        for watch in watches.withLock({ $0 }) { watch.cancel() }
        for link in links { link.client.worker.perform { _ in link.client.retire() } }
    }

    var status: SharedEngineStatus { state.status(links.map(\.client.counters)) }
}

/// What is known of a server, by all workers together.
final class SharedEngineState: Sendable {
    private let name: String
    private let url: String
    private let logger: Logger
    private let losses = Mutex(Losses())
    private let known = Atomic(1)

    private struct Losses {
        /// The workers that have no connection.
        var workers = Set<Int>()
        var reason: String?
    }

    init(_ configuration: SharedEngineConfiguration, _ logger: Logger) {
        name = configuration.name
        url = configuration.redis.description
        self.logger = logger
    }

    private static let code = "(\(Condition.Word.sharedEngineLost.rawValue))"

    /// How many instances have reported lately, this one included; at least one.
    var instances: Int { max(1, known.load(ordering: .relaxed)) }

    func sawInstances(_ count: Int) { known.store(count, ordering: .relaxed) }

    /// Logged once, whichever worker notices it first.
    func lost(_ worker: Int, _ reason: String) {
        let isNew = losses.withLock { losses in
            losses.workers.insert(worker)
            defer { losses.reason = losses.reason ?? reason }
            return losses.reason == nil
        }
        if isNew { logger.warning("shared engine \(name): \(url) is lost: \(reason) \(Self.code)") }
    }

    /// Logged when all workers have it again.
    func connected(_ worker: Int) {
        let isBack = losses.withLock { losses in
            losses.workers.remove(worker)
            guard losses.workers.isEmpty, losses.reason != nil else { return false }
            losses.reason = nil
            return true
        }
        if isBack { logger.notice("shared engine \(name): \(url) is back") }
    }

    fileprivate func status(_ counters: [RedisCounters]) -> SharedEngineStatus {
        func sum(_ number: (RedisCounters) -> UInt64) -> UInt64 { counters.reduce(0) { $0 + number($1) } }
        return SharedEngineStatus(
            name: name, url: url, problem: losses.withLock { $0.reason }, instances: instances,
            commands: sum { $0.commands.count }, failures: sum { $0.failures.count }, sends: sum { $0.sends.count },
            connections: sum { $0.connections.count }, microseconds: sum { $0.microseconds.count })
    }
}

/// How the use of a server goes.
package struct SharedEngineStatus: Codable, Equatable, Sendable {
    package var name: String
    /// Without user and password.
    package var url: String
    /// Why it is lost; nil while it is used.
    package var problem: String?
    /// That have reported lately.
    package var instances: Int
    package var commands: UInt64
    /// Commands without a reply.
    package var failures: UInt64
    /// The commands of a turn of a worker are one.
    package var sends: UInt64
    package var connections: UInt64
    /// Of all commands, to their replies.
    package var microseconds: UInt64
}
