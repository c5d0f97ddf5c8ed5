import Logging
import Redis
import TLS
import Transport

/// The engines of shared limits of the current configuration; those that a reload does not change keep their
/// connections.
final class SharedEngineHost {
    private let logger: Logger
    private let workers: [Worker]
    private let names: ServerNames
    /// Tells this process from others at the servers.
    private let instance: String
    private var current: [String: SharedEngine] = [:]

    init(logger: Logger, workers: [Worker], names: ServerNames) {
        self.logger = logger
        self.workers = workers
        self.names = names
        var digits: [UInt8] = []
        SipHash.Value.append(.random(in: 0...UInt64.max), to: &digits)
        instance = String(decoding: digits, as: UTF8.self)
    }

    /// A set of engines that is not in use yet.
    struct Candidate {
        fileprivate let engines: [String: SharedEngine]

        /// By name.
        func links(ofWorker index: Int) -> [String: SharedEngineLink] { engines.mapValues { $0.links[index] } }
    }

    /// Creates the engines of `configurations` that the current set lacks.
    ///
    /// - Parameter files: the files read beforehand, by absolute path.
    func prepare(
        _ configurations: [SharedEngineConfiguration], resolver: ResolverConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> Candidate {
        var engines: [String: SharedEngine] = [:]
        for configuration in configurations {
            let material = configuration.files.map { files[$0] ?? [] }
            if let known = current[configuration.name], known.configuration == configuration,
                known.resolver == resolver, known.material == material
            {
                engines[configuration.name] = known
                continue
            }
            engines[configuration.name] = SharedEngine(
                configuration, resolver: resolver, material: material,
                settings: try settings(of: configuration, files: files), instance: instance, workers: workers,
                logger: logger)
        }
        return Candidate(engines: engines)
    }

    /// Switches to the candidate; only after workers serve with it.
    func commit(_ candidate: Candidate) {
        for (name, engine) in candidate.engines where current[name] !== engine { engine.start(names) }
        for (name, engine) in current where candidate.engines[name] !== engine { engine.retire() }
        current = candidate.engines
    }

    /// What can be asked of them from any thread.
    var view: [SharedEngine] { current.values.sorted { $0.configuration.name < $1.configuration.name } }

    private func settings(
        of configuration: SharedEngineConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> RedisSettings {
        var settings = try Self.access(of: configuration, files: files)
        settings.timeout = Delay(configuration.timeout)
        settings.queue = configuration.queue
        let lease = Delay(configuration.lease).milliseconds
        settings.probeInterval = .milliseconds(lease / 3)
        let instances = SharedKeys(engine: configuration.name).instances
        settings.probe = RedisCommand("EVAL", SharedScript.announce.source, "1", instances, instance, "\(lease)")
        settings.farewell = RedisCommand("ZREM", instances, instance)
        return settings
    }

    /// How the server is reached: its URL, with the password of a file, and TLS.
    ///
    /// Errors: a file that cannot be used.
    static func access(
        of configuration: SharedEngineConfiguration, files: [String: [UInt8]]
    ) throws(GatewayError) -> RedisSettings {
        var settings = RedisSettings(configuration.redis)
        let reader: FileReader = { path throws(CertificateProblem) in
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        do throws(CertificateProblem) {
            if let file = configuration.passwordFile {
                settings.url.password = Self.password(in: try reader(file))
            }
            if configuration.redis.isSecure {
                let context = try TLSClientContext(TLSClientContext.Settings(configuration.tls), readFile: reader)
                settings.security = RedisTLS(context, serverName: configuration.tls.serverName)
            }
        } catch {
            throw .configuration("shared engine \(configuration.name): \(error.description)")
        }
        if let file = configuration.passwordFile, settings.url.password == nil {
            throw .configuration(
                "shared engine \(configuration.name): \(file) has no password of 1 to 4096 bytes in one line")
        }
        return settings
    }

    /// The first line of a file, which is the only one.
    static func password(in bytes: [UInt8]) -> String? {
        var line = bytes[...]
        if line.last == 0x0A { line = line.dropLast() }
        if line.last == 0x0D { line = line.dropLast() }
        guard (1...4096).contains(line.count), !line.contains(0x0A), !line.contains(0) else { return nil }
        return String(validating: line, as: UTF8.self)
    }
}

extension SharedEngineConfiguration {
    /// Absolute paths of all files it names.
    var files: [String] { tls.files + [passwordFile].compactMap(\.self) }
}
