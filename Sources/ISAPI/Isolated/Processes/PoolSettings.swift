/// How the processes of a pool are kept. Names and defaults are those of IIS where it has them.
package struct PoolSettings: Sendable, Equatable {
    /// Processes that serve at the same time (a web garden in IIS).
    package var processes = 1
    /// Threads of each that run requests.
    package var threads = 8
    /// Until a process has to be ready, and until it has to end, before it is killed.
    package var startLimit = Duration.seconds(90)
    package var stopLimit = Duration.seconds(90)
    /// How often a process is asked whether it still runs, and how long it may take to answer.
    package var pingInterval = Duration.seconds(30)
    package var pingTimeout = Duration.seconds(90)
    /// Without requests for this long the processes end, until the next request; nil for never.
    package var idleStop: Duration? = .seconds(20 * 60)
    package var rapidFail = RapidFail()
    package var recycling = Recycling()
    /// Whether a request beyond its time has its process replaced, which counts as a crash.
    package var recyclesOnTimeout = false
    package var affinity = Affinity.none
    /// A program and its arguments, run when a process has ended that was not to.
    package var onEnd: [String] = []
    /// The user and group of the processes, by number; nil for those of the gateway.
    package var user: UserAndGroup?
    /// The working folder; nil for that of the first library.
    package var folder: String?
    /// NAME=VALUE, besides those that every process has.
    package var environment: [String] = []
    package var limits = ProcessLimits()
    package var group = GroupLimits()
    package var sandbox = Sandbox()

    package init() {}

    package struct UserAndGroup: Sendable, Equatable, Hashable {
        package var user: UInt32
        package var group: UInt32

        package init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// Which process gets a request.
    package enum Affinity: Sendable, Equatable {
        /// The one with the fewest requests.
        case none
        /// The same for each client address, or each value of a cookie, as long as that process lives.
        case address
        case cookie(String)
    }
}

/// How many crashes within a time stop a pool, and for how long (rapid-fail protection in IIS).
package struct RapidFail: Sendable, Equatable {
    package var crashes = 5
    package var within = Duration.seconds(300)
    package var pause = Duration.seconds(300)

    package init() {}
}

/// What a process may use of the system (setrlimit(2)); nil for what the gateway may.
package struct ProcessLimits: Sendable, Equatable {
    /// Bytes of data: heap, stacks, memory without a file.
    package var memory: Int?
    package var descriptors: Int?
    /// Processes and threads of its user.
    package var processes: Int?
    /// Bytes of a file that it writes.
    package var fileSize: Int?
    /// Whether core files are written.
    package var allowsCores = false

    package init() {}
}

/// Limits of a process together with those that it starts, by a control group (cgroups(7)).
package struct GroupLimits: Codable, Sendable, Equatable {
    /// Bytes (memory.max).
    package var memoryMax: Int?
    /// Processes and threads (pids.max).
    package var pidsMax: Int?
    /// Per cent of one processor (cpu.max).
    package var cpuMax: Int?

    package init() {}
}

/// What a process may reach.
package struct Sandbox: Sendable, Equatable {
    package enum Mode: Sendable, Equatable {
        /// No restrictions but those of its user.
        case off
        /// Those that the system offers; what it lacks is logged.
        case on
        /// Without all of them no process starts.
        case required
    }

    package var mode = Mode.on
    /// What it may read and write, besides what programs need of the system; nil for all that its user may.
    package var files: Files?
    /// Whether it may create sockets.
    package var hasNetwork = true

    package init() {}

    package struct Files: Sendable, Equatable {
        /// Files and folders with all that is in them, by absolute paths.
        package var readable: [String]
        package var writable: [String]

        package init(readable: [String], writable: [String]) {
            self.readable = readable
            self.writable = writable
        }
    }
}
