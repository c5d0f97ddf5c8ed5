/// How the names of servers are resolved.
package struct ResolverConfiguration: Sendable, Equatable {
    /// Name servers; empty for those of the system.
    package var servers: [BindAddress] = []
    /// Of the first try with a name server; later tries take longer.
    package var timeout = Duration.seconds(2)
    package var tries = 3
    /// The shortest and longest time between two queries for a name, whatever its records say.
    package var shortest = Duration.seconds(1)
    package var longest = Duration.seconds(300)
    /// How long a start or reload waits for the first answers.
    package var patience = Duration.seconds(2)
}

extension ValueDecoder<ResolverConfiguration> {
    static var resolver: Self {
        let server = ValueDecoder<BindAddress>.text("an IP address and a port such as \"127.0.0.1:53\"") {
            BindAddress($0)
        }
        return .mapping { keys in
            var resolver = ResolverConfiguration()
            resolver.servers = keys.take("servers", .list("name servers", of: server), default: [])
            resolver.timeout = keys.take(
                "timeout", .time(in: .milliseconds(10) ... .seconds(60)), default: resolver.timeout)
            resolver.tries = keys.take("tries", .integer(in: 1...10), default: resolver.tries)
            let time = ValueDecoder<Duration>.time(in: .milliseconds(100) ... .seconds(86_400))
            resolver.shortest = keys.take("min_ttl", time, default: resolver.shortest)
            resolver.longest = keys.take("max_ttl", time, default: resolver.longest)
            resolver.patience = keys.take(
                "patience", .time(in: .zero ... .seconds(60)), default: resolver.patience)
            if resolver.shortest > resolver.longest {
                keys.context.report(
                    "min_ttl (\(formatTime(resolver.shortest))) must not be longer than max_ttl "
                        + "(\(formatTime(resolver.longest)))",
                    at: keys.position(of: "min_ttl") ?? keys.position(of: "max_ttl") ?? keys.position)
            }
            return resolver
        }
    }
}
