/// How clients are bound to the server that answered them first.
package struct StickyConfiguration: Sendable, Equatable {
    /// The name of the cookie.
    package var cookie: String
    /// How long the client keeps the cookie; nil for the client's lifetime.
    package var maxAge: Duration?
    /// Whether the cookie is sent over TLS only.
    package var isSecure = false
    /// A file, as an absolute path, whose bytes sign the cookies; nil for bytes that this process generates.
    package var secretFile: String?
}

/// Requests that wait while every server has its maximum number of requests.
package struct UpstreamQueueConfiguration: Sendable, Equatable {
    package var requests = 1000
    package var timeout = Duration.seconds(5)
}

/// How the health of servers is determined.
package struct HealthConfiguration: Sendable, Equatable {
    package var active: ActiveHealth?
    package var passive = PassiveHealth()

    /// Servers are checked at intervals.
    package struct ActiveHealth: Sendable, Equatable {
        /// Nil for a connection without a request.
        package var path: String?
        package var host: String?
        package var statuses: ClosedRange<Int> = 200...399
        package var body: String?
        package var every = Duration.seconds(5)
        package var timeout = Duration.seconds(1)
        package var rise = 2
        package var fall = 3
    }

    /// The results of requests are observed.
    package struct PassiveHealth: Sendable, Equatable {
        /// 0 for never.
        package var fails = 3
        package var within = Duration.seconds(10)
        package var eject = Duration.seconds(30)
    }
}

extension ValueDecoder<UpstreamConfiguration.Balance> {
    /// `balance` and, for `hash`, `hash_by`.
    static func take(from keys: inout MappingReader) -> UpstreamConfiguration.Balance {
        let balance = keys.take(
            "balance",
            Self.word(
                "a way to choose a server",
                [
                    "round_robin": .roundRobin, "least_connections": .leastConnections, "random_two": .randomTwo,
                    "hash": .hash(.address),
                ]),
            default: .roundRobin)
        guard let key = keys.take("hash_by", .limitKey) else { return balance }
        let position = keys.position(of: "hash_by") ?? keys.position
        if case .hash = balance {
            if key == .route {
                keys.context.report("hash_by: route would send every request to one server", at: position)
            }
            return .hash(key)
        }
        keys.context.report("hash_by needs balance: hash", at: position)
        return balance
    }
}

extension ValueDecoder<StickyConfiguration> {
    static var sticky: Self {
        .mapping { keys in
            StickyConfiguration(
                cookie: keys.require("cookie", .token, placeholder: "server"),
                maxAge: keys.take("max_age", .time(in: .seconds(1) ... .seconds(31_536_000))),
                isSecure: keys.take("secure", .onOff("whether the cookie needs TLS"), default: false),
                secretFile: keys.take("secret_file", .file))
        }
    }
}

extension ValueDecoder<Bool> {
    static func onOff(_ noun: String) -> Self { word(noun, ["on": true, "off": false]) }
}

extension ValueDecoder<UpstreamQueueConfiguration> {
    static var upstreamQueue: Self {
        let defaults = UpstreamQueueConfiguration()
        return .mapping { keys in
            UpstreamQueueConfiguration(
                requests: keys.take("requests", .integer(in: 0...1_000_000), default: defaults.requests),
                timeout: keys.take(
                    "timeout", .time(in: .milliseconds(10) ... .seconds(3600)), default: defaults.timeout))
        }
    }
}

extension ValueDecoder<HealthConfiguration> {
    static var health: Self {
        .mapping { keys in
            HealthConfiguration(
                active: keys.take("active", .activeHealth),
                passive: keys.take("passive", .passiveHealth, default: HealthConfiguration.PassiveHealth()))
        }
    }
}

extension ValueDecoder<HealthConfiguration.ActiveHealth> {
    fileprivate static var activeHealth: Self {
        .mapping { keys in
            var active = HealthConfiguration.ActiveHealth()
            active.path = keys.take("path", .checkedPath)
            active.host = keys.take("host", .checkedHost)
            active.statuses = keys.take("status", .statuses, default: active.statuses)
            active.body = keys.take("body", .name("a text"))
            active.every = keys.take(
                "every", .time(in: .milliseconds(100) ... .seconds(86_400)), default: active.every)
            active.timeout = keys.take(
                "timeout", .time(in: .milliseconds(10) ... .seconds(3600)), default: active.timeout)
            active.rise = keys.take("rise", .integer(in: 1...100), default: active.rise)
            active.fall = keys.take("fall", .integer(in: 1...100), default: active.fall)
            if active.timeout > active.every {
                keys.context.report(
                    "timeout (\(formatTime(active.timeout))) must not be longer than every "
                        + "(\(formatTime(active.every)))",
                    at: keys.position(of: "timeout") ?? keys.position(of: "every") ?? keys.position)
            }
            for key in ["host", "status", "body"] where keys.names.contains(key) && !keys.names.contains("path") {
                keys.context.report(
                    "\(key) needs a path: without one only a connection is made",
                    at: keys.position(of: key) ?? keys.position)
            }
            return active
        }
    }
}

extension ValueDecoder<HealthConfiguration.PassiveHealth> {
    fileprivate static var passiveHealth: Self {
        let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
        return .mapping { keys in
            var passive = HealthConfiguration.PassiveHealth()
            passive.fails = keys.take("fails", .integer(in: 0...1000), default: passive.fails)
            passive.within = keys.take("within", time, default: passive.within)
            passive.eject = keys.take("eject", time, default: passive.eject)
            return passive
        }
    }
}

extension ValueDecoder<ClosedRange<Int>> {
    /// One status, or the first and last of several.
    fileprivate static var statuses: Self {
        text("a status such as 200 or a range such as 200-399") { text in
            let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
                part.utf8.count == 3 && part.utf8.allSatisfy(isDigit) ? Int(part) : nil
            }
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
                first >= 100, first <= last, last <= 599
            else { return nil }
            return first...last
        }
    }
}

extension ValueDecoder<String> {
    /// A request target in origin form (RFC 9112 §3.2.1).
    static var checkedPath: Self {
        text("a path, with its query if any") { text in
            text.hasPrefix("/") && text.utf8.count <= 2048 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                ? text : nil
        }
    }

    fileprivate static var checkedHost: Self {
        text("a host name, with its port if any") { text in
            !text.isEmpty && text.utf8.count <= 260 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
        }
    }
}
