import ISAPI
import Logging
import Synchronization

/// Starts the pools of processes, and knows those that there are, for their status and for commands.
final class PoolRegistry: Sendable {
    private let logger: Logger
    private let launcher: any HostLauncher
    /// The newest last; those that have ended are left out with the next look.
    private let pools = Mutex<[ProcessPool]>([])

    init(_ logger: Logger, _ launcher: any HostLauncher) {
        self.logger = logger
        self.launcher = launcher
    }

    /// Makes a pool with the libraries of these extensions; its processes are started when they are needed.
    func makePool(
        _ configuration: PoolConfiguration, _ extensions: [ExtensionConfiguration]
    ) throws(ExtensionLoadError) -> ProcessPool {
        var libraries: [PoolLibrary] = []
        for member in extensions {
            libraries.append(
                try PoolLibrary(extension: member.name, path: member.library, paths: member.paths))
        }
        let pool = ProcessPool(
            configuration.name, libraries, configuration.settings, by: launcher,
            report: PoolLog(configuration, logger).report)
        pools.withLock { pools in
            pools.removeAll(where: \.hasEnded)
            pools.append(pool)
        }
        return pool
    }

    private var all: [ProcessPool] {
        pools.withLock { pools in
            pools.removeAll(where: \.hasEnded)
            return pools
        }
    }

    /// What they do; those of `configured` that have not been needed yet are idle.
    func status(_ configured: [ExtensionConfiguration]) -> [ProcessPoolStatus] {
        var list = all.map(\.status)
        for member in configured {
            guard let pool = member.pool, !list.contains(where: { $0.name == pool.name }) else { continue }
            let members = configured.filter { $0.pool?.name == pool.name }.map(\.name)
            list.append(ProcessPoolStatus(name: pool.name, extensions: members))
        }
        return list.sorted { $0.name < $1.name }
    }

    /// The pool that serves under this name; nil if it has not been needed yet.
    func pool(named name: String) -> ProcessPool? {
        all.last { $0.name == name && !$0.isStopping }
    }
}

/// A pool that several extensions share, as one configuration has it.
final class SharedPool: Sendable {
    private let configuration: PoolConfiguration
    private let members: [ExtensionConfiguration]
    private let fingerprints: [FileFingerprint?]
    private let registry: PoolRegistry
    private let started = Mutex<ProcessPool?>(nil)

    init(_ configuration: PoolConfiguration, _ members: [ExtensionConfiguration], _ registry: PoolRegistry) {
        self.configuration = configuration
        self.members = members
        self.registry = registry
        fingerprints = members.map { FileFingerprint(of: $0.library) }
    }

    deinit {
        started.withLock { $0 }?.abandonIfUnused()
    }

    /// Whether one created now would be the same.
    func serves(_ configuration: PoolConfiguration, _ members: [ExtensionConfiguration]) -> Bool {
        configuration == self.configuration
            && members.map { [$0.name, $0.library, "\($0.paths)"] }
                == self.members.map { [$0.name, $0.library, "\($0.paths)"] }
            && fingerprints == members.map { FileFingerprint(of: $0.library) }
    }

    /// Starts the pool, if it is not, and waits until one of its processes is ready.
    func module(of extension: String) throws(ExtensionLoadError) -> ExtensionModule {
        let pool = try started.withLock { started throws(ExtensionLoadError) in
            if let started { return started }
            let new = try registry.makePool(configuration, members)
            started = new
            return new
        }
        return try pool.module(of: `extension`)
    }
}
