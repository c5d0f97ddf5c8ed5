import ISAPI

/// The keys of a pool whose extensions run isolated: in `pools`, or of an extension with a pool of its own.
extension ValueDecoder<PoolConfiguration> {
    static func pool(name: String) -> Self {
        .mapping { keys in
            var pool = PoolConfiguration(name: name, isShared: true)
            pool.start = keys.take("start", .load, default: pool.start)
            pool.takeThreads(&keys)
            pool.takeSettings(&keys)
            return pool
        }
    }
}

extension PoolConfiguration {
    /// Those of an extension's keys that concern processes.
    static let keys = [
        "processes", "start_limit", "stop_limit", "ping", "idle_stop", "rapid_fail", "recycle", "on_timeout",
        "affinity", "on_end", "user", "folder", "environment", "limits", "cgroup", "sandbox",
    ]

    mutating func takeThreads(_ keys: inout MappingReader) {
        settings.threads = keys.take("threads", .integer(in: 1...256), default: settings.threads)
        queue = keys.take("queue", .integer(in: 1...1_000_000), default: queue)
    }

    mutating func takeSettings(_ keys: inout MappingReader) {
        let limit = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(3600))
        settings.processes = keys.take("processes", .integer(in: 1...64), default: settings.processes)
        settings.startLimit = keys.take("start_limit", limit, default: settings.startLimit)
        settings.stopLimit = keys.take("stop_limit", limit, default: settings.stopLimit)
        let ping = keys.take("ping", .ping, default: Ping())
        (settings.pingInterval, settings.pingTimeout) = (ping.every, ping.timeout)
        settings.idleStop = keys.take("idle_stop", .idleTime, default: settings.idleStop)
        settings.rapidFail = keys.take("rapid_fail", .rapidFail, default: settings.rapidFail)
        settings.recycling = keys.take("recycle", .recycling, default: settings.recycling)
        settings.recyclesOnTimeout = keys.take(
            "on_timeout",
            .word("what follows a request beyond request_timeout", ["ignore": false, "recycle": true]),
            default: settings.recyclesOnTimeout)
        settings.affinity = keys.take("affinity", .affinity, default: settings.affinity)
        settings.onEnd = keys.take("on_end", .list("words of a command", of: .string), default: settings.onEnd)
        if let program = settings.onEnd.first, !program.hasPrefix("/") {
            keys.context.report(
                "on_end begins with the absolute path of a program, found \(quoted(program))",
                at: keys.position(of: "on_end") ?? keys.position)
        }
        let account = keys.take("user", .account)
        settings.user = account.map { PoolSettings.UserAndGroup(user: $0.user, group: $0.group) }
        settings.folder = keys.take("folder", .folder)
        let variables = keys.take(
            "environment",
            .named("environment variables") { name in
                .text("the value of an environment variable") { value in "\(name)=\(value)" }
            })
        settings.environment = variables?.values ?? []
        settings.limits = keys.take("limits", .processLimits, default: settings.limits)
        settings.group = keys.take("cgroup", .groupLimits, default: settings.group)
        settings.sandbox = keys.take("sandbox", .sandbox, default: settings.sandbox)
    }
}

private struct Ping {
    var every = PoolSettings().pingInterval
    var timeout = PoolSettings().pingTimeout
}

extension ValueDecoder<Ping> {
    fileprivate static var ping: Self {
        .mapping { keys in
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(3600))
            return Ping(
                every: keys.take("every", time, default: Ping().every),
                timeout: keys.take("timeout", time, default: Ping().timeout))
        }
    }
}

extension ValueDecoder<RapidFail> {
    fileprivate static var rapidFail: Self {
        .mapping { keys in
            var rapidFail = RapidFail()
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
            rapidFail.crashes = keys.take("crashes", .integer(in: 1...1000), default: rapidFail.crashes)
            rapidFail.within = keys.take("within", time, default: rapidFail.within)
            rapidFail.pause = keys.take("pause", time, default: rapidFail.pause)
            return rapidFail
        }
    }
}

extension ValueDecoder<Recycling> {
    fileprivate static var recycling: Self {
        .mapping { keys in
            var recycling = Recycling()
            recycling.requests = keys.take("requests", .integer(in: 1...1_000_000_000))
            recycling.after = keys.take("after", .time(in: .seconds(1) ... .seconds(365 * 86_400)))
            recycling.times = keys.take("at", .list("times of day", of: .timeOfDay), default: [])
            recycling.privateMemory = keys.take("private_memory", .size(in: 1 << 20...1 << 40))
            recycling.processorTime = keys.take("cpu", .processorTime)
            return recycling
        }
    }
}

extension ValueDecoder<Int> {
    /// Minutes since midnight.
    fileprivate static var timeOfDay: Self {
        text("a time of day such as \"03:00\"") { text in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.utf8.allSatisfy(isDigit) }),
                let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
            else { return nil }
            return hour * 60 + minute
        }
    }

    /// Per cent of one processor.
    fileprivate static var processorShare: Self {
        text("a share of one processor, 1% to 6400%") { text in
            guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (1...6400).contains(percent) else {
                return nil
            }
            return percent
        }
    }
}

extension ValueDecoder<Recycling.ProcessorTime> {
    /// IIS measures over five minutes.
    private static var usualTime: Duration { .seconds(300) }

    fileprivate static var processorTime: Self {
        mapping { keys in
            Recycling.ProcessorTime(
                percent: keys.require("limit", .processorShare, placeholder: 100),
                over: keys.take("over", .time(in: .seconds(1) ... .seconds(86_400)), default: usualTime))
        }
        .or(scalar: .processorShare) { Recycling.ProcessorTime(percent: $0, over: usualTime) }
    }
}

extension ValueDecoder<PoolSettings.Affinity> {
    fileprivate static var affinity: Self {
        mapping { keys in .cookie(keys.require("cookie", .name("the name of a cookie"), placeholder: "")) }
            .or(scalar: .word("what a process keeps", ["none": .none, "address": .address])) { $0 }
    }
}

extension ValueDecoder<ProcessLimits> {
    fileprivate static var processLimits: Self {
        .mapping { keys in
            var limits = ProcessLimits()
            limits.memory = keys.take("memory", .size(in: 16 << 20...1 << 44))
            limits.descriptors = keys.take("descriptors", .integer(in: 64...1 << 30))
            limits.processes = keys.take("processes", .integer(in: 1...1 << 22))
            limits.fileSize = keys.take("file_size", .size(in: 0...1 << 50))
            limits.allowsCores = keys.take("core_files", .boolean, default: limits.allowsCores)
            return limits
        }
    }
}

extension ValueDecoder<GroupLimits> {
    fileprivate static var groupLimits: Self {
        .mapping { keys in
            var limits = GroupLimits()
            limits.memoryMax = keys.take("memory_max", .size(in: 16 << 20...1 << 44))
            limits.pidsMax = keys.take("pids_max", .integer(in: 1...1 << 22))
            limits.cpuMax = keys.take("cpu_max", .processorShare)
            return limits
        }
    }
}

extension ValueDecoder<Sandbox> {
    fileprivate static var sandbox: Self {
        mapping { keys in
            var sandbox = Sandbox()
            if keys.take("require", .boolean, default: false) { sandbox.mode = .required }
            sandbox.files = keys.take("filesystem", .sandboxFiles)
            sandbox.hasNetwork = keys.take(
                "network", .word("whether sockets can be created", ["on": true, "off": false]), default: true)
            return sandbox
        }
        .or(scalar: ValueDecoder<Sandbox.Mode>.sandboxMode) { mode in
            var sandbox = Sandbox()
            sandbox.mode = mode
            return sandbox
        }
    }
}

extension ValueDecoder<Sandbox.Mode> {
    fileprivate static var sandboxMode: Self {
        .word("whether the sandbox applies", ["on": .on, "require": .required, "off": .off])
    }
}

extension ValueDecoder<Sandbox.Files> {
    fileprivate static var sandboxFiles: Self {
        .mapping { keys in
            Sandbox.Files(
                readable: keys.take("read", .list("paths", of: .existing), default: []),
                writable: keys.take("write", .list("paths", of: .existing), default: []))
        }
    }
}

extension ValueDecoder<String> {
    /// The absolute path of a file or folder that exists.
    fileprivate static var existing: Self {
        Self { node, context in
            guard let path = ValueDecoder<String>.path.decode(node, context) else { return nil }
            guard context.kindOfFile(path) == nil else { return path }
            context.report("no such file or folder: \(quoted(path))", at: node)
            return nil
        }
    }
}

/// Commands name pools and extensions with a pool of their own alike.
func reportPoolsWithoutExtensions(
    _ pools: NamedValues<PoolConfiguration>, _ extensions: [ExtensionConfiguration], _ keys: MappingReader
) {
    let position = keys.position(of: "pools") ?? keys.position
    for pool in pools.values where !extensions.contains(where: { $0.pool == pool }) {
        keys.context.note("no extension is in the pool \(quoted(pool.name))", at: position)
    }
    for own in extensions where own.pool?.isShared == false && pools.names.contains(own.name) {
        keys.context.report(
            "a pool and an extension with a pool of its own are named \(quoted(own.name))", at: position)
    }
}
