import Dispatch
import Logging
import Proxy
import Synchronization
import Transport

/// Keeps the addresses of servers that the configuration names up to date.
final class ServerNames {
    private let logger: Logger
    private let workers: [Worker]
    private var resolver: (settings: ResolverConfiguration, resolver: Resolver)?

    init(logger: Logger, workers: [Worker]) {
        self.logger = logger
        self.workers = workers
    }

    deinit {
        resolver?.resolver.retire()
    }

    /// Watches the names of servers, and waits a moment for their first answers: requests that arrive then find a server,
    /// and a name that cannot be resolved does not prevent the start.
    func watch(_ servers: [LoadedServer], _ settings: ResolverConfiguration) {
        let named = servers.compactMap { server in server.configuration.name.map { (server, $0) } }
        guard !named.isEmpty else { return }
        let resolver = resolver(settings)
        let answered = DispatchGroup()
        for (server, name) in named {
            answered.enter()
            let first = FirstAnswer(answered)
            server.watch = resolver.watch(name) { [workers, perWorker = server.perWorker] addresses in
                if let addresses {
                    for (worker, server) in zip(workers, perWorker) {
                        worker.perform { worker in server.move(to: addresses, at: worker.now) }
                    }
                }
                first.came()
            }
        }
        _ = answered.wait(timeout: .now() + .milliseconds(Int(Delay(settings.patience).milliseconds)))
    }

    /// Watches one name; it is not waited for.
    ///
    /// - Parameter onChange: as that of `Resolver.watch`.
    func watch(
        _ name: ServiceName, _ settings: ResolverConfiguration,
        _ onChange: @escaping @Sendable ([SocketAddress]?) -> Void
    ) -> Resolver.Watch {
        resolver(settings).watch(name, onChange)
    }

    private func resolver(_ settings: ResolverConfiguration) -> Resolver {
        if let resolver, resolver.settings == settings { return resolver.resolver }
        let logger = logger
        let made = Resolver(Resolver.Settings(settings)) { name, failure in
            if let failure {
                logger.warning("name \(name.host) cannot be resolved: \(failure)")
            } else {
                logger.notice("name \(name.host) is resolved")
            }
        }
        // The other one continues for its remaining watchers.
        resolver?.resolver.retire()
        resolver = (settings, made)
        return made
    }
}

/// Leaves a group once, with the first of several answers.
private final class FirstAnswer: Sendable {
    private let group: DispatchGroup
    private let isOwed = Atomic(true)

    init(_ group: DispatchGroup) {
        self.group = group
    }

    func came() {
        if isOwed.exchange(false, ordering: .relaxed) { group.leave() }
    }
}

extension ServerConfiguration {
    /// Nil for a server that is configured by its address.
    fileprivate var name: ServiceName? {
        guard case .tcp(let host, let port, _) = url, IPAddress(host) == nil else { return nil }
        return ServiceName(host: host, port: port, isService: isService)
    }
}

extension Resolver.Settings {
    fileprivate init(_ configuration: ResolverConfiguration) {
        self.init()
        servers = configuration.servers.map(\.description)
        timeout = Int32(clamping: Delay(configuration.timeout).milliseconds)
        tries = Int32(configuration.tries)
        times = Delay(configuration.shortest).milliseconds...Delay(configuration.longest).milliseconds
    }
}
