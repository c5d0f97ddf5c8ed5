import ISAPI

/// The keys of an extension.
extension ValueDecoder<ExtensionConfiguration> {
    /// - Parameter pools: those of the file, which it may name.
    static func isapiExtension(name: String, _ pools: NamedValues<PoolConfiguration>) -> Self {
        .mapping { keys in
            var configuration = ExtensionConfiguration(name: name, library: "")
            configuration.library = keys.require("library", .file, placeholder: "")
            takePlacement(&keys, pools, of: &configuration)
            configuration.requestTimeout = keys.take(
                "request_timeout", .time(in: .milliseconds(100) ... .seconds(86_400)),
                default: configuration.requestTimeout)
            takeSpooling(&keys, of: &configuration)
            configuration.paths = keys.take("paths", .paths, default: configuration.paths)
            configuration.loadRetry = keys.take(
                "load_retry", .time(in: .milliseconds(100) ... .seconds(3600)), default: configuration.loadRetry)
            configuration.recycleInterval = keys.take(
                "recycle_interval", .time(in: .milliseconds(100) ... .seconds(86_400)),
                default: configuration.recycleInterval)
            return configuration
        }
    }

    /// Where it runs, and the settings of its pool.
    private static func takePlacement(
        _ keys: inout MappingReader, _ pools: NamedValues<PoolConfiguration>,
        of configuration: inout ExtensionConfiguration
    ) {
        let placement = keys.take("run", .placement)
        let shared = keys.take("pool", .name("the name of a pool"))
        if let shared {
            if !pools.names.contains(shared) {
                keys.context.report(
                    "there is no pool \(quoted(shared))", at: keys.position(of: "pool") ?? keys.position,
                    suggestion: nearestName(to: shared, among: pools.names))
            }
            if placement == .inProcess {
                keys.context.report(
                    "an extension of a pool does not run in_process", at: keys.position(of: "run") ?? keys.position)
            }
            for key in ["threads", "queue", "load", "idle_unload"] + PoolConfiguration.keys
            where keys.names.contains(key) {
                keys.context.report(
                    "\(key) is a matter of the pool: 'pools' has it", at: keys.position(of: key) ?? keys.position)
            }
            configuration.pool = pools.values.first { $0.name == shared }
            configuration.load = configuration.pool?.start ?? .startup
        } else {
            configuration.load = keys.take("load", .load, default: configuration.load)
            configuration.idleUnload = keys.take("idle_unload", .idleTime, default: configuration.idleUnload)
        }
        var own = PoolConfiguration(name: configuration.name, isShared: false)
        own.takeThreads(&keys)
        own.takeSettings(&keys)
        if shared != nil || placement == .isolated {
            configuration.placement = .isolated
        } else {
            for key in PoolConfiguration.keys where keys.names.contains(key) {
                keys.context.report("\(key) needs run: isolated", at: keys.position(of: key) ?? keys.position)
            }
        }
        if shared == nil, placement == .isolated { configuration.pool = own }
        let pool = configuration.pool ?? own
        (configuration.threads, configuration.queue) = (pool.settings.threads, pool.queue)
    }

    private static func takeSpooling(_ keys: inout MappingReader, of configuration: inout ExtensionConfiguration) {
        configuration.spoolsRequest = keys.take("spool_request", .boolean, default: configuration.spoolsRequest)
        configuration.spoolLimit = keys.take(
            "spool_limit", .size(in: 0...1 << 40), default: configuration.spoolLimit)
        configuration.spoolMemory = keys.take(
            "spool_memory", .size(in: 0...64 << 20), default: configuration.spoolMemory)
        configuration.spoolFolder = keys.takeFolder(
            "spool_folder", default: configuration.spoolFolder, isUsed: configuration.spoolsRequest)
        for key in ["spool_limit", "spool_memory", "spool_folder"]
        where !configuration.spoolsRequest && keys.names.contains(key) {
            keys.context.report("\(key) needs spool_request: true", at: keys.position(of: key) ?? keys.position)
        }
    }
}

extension ValueDecoder<PathStyle> {
    static var paths: Self {
        .word("how an extension is given paths", ["unix": .unix, "windows": .windows])
    }
}

extension ValueDecoder<ExtensionConfiguration.Load> {
    static var load: Self {
        .word("when the extension is loaded", ["startup": .startup, "first_request": .firstRequest])
    }
}

extension ValueDecoder<Duration?> {
    /// A time or `off`.
    static var idleTime: Self {
        let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
        return Self { node, context in
            if node.scalar?.string == "off" { return .some(nil) }
            return time.decode(node, context).map { .some($0) }
        }
    }
}

extension ValueDecoder<ExtensionConfiguration.Placement> {
    fileprivate static var placement: Self {
        text("where the extension runs (in_process or isolated)") { word throws(Refusal) in
            switch word {
            case "in_process": return .inProcess
            case "isolated": return .isolated
            case "wine":
                throw Refusal(message: "run: wine is not available; extensions run in_process or isolated")
            default: return nil
            }
        }
    }
}
