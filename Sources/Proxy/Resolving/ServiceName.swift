import Transport

/// A name to be resolved.
package struct ServiceName: Hashable, Sendable {
    package var host: String
    /// The port of every address; SRV records have their own ports.
    package var port: UInt16
    /// Whether it is the name of a service, whose SRV records name hosts and ports (RFC 2782).
    package var isService: Bool

    package init(host: String, port: UInt16, isService: Bool = false) {
        self.host = host
        self.port = port
        self.isService = isService
    }
}

/// When a name is resolved again: a value that receives the result of each query.
package struct ResolutionSchedule: Sendable {
    private let limits: ClosedRange<UInt64>
    private var failures: UInt64 = 0

    /// After a failure, in milliseconds; each further one waits twice as long.
    private static let retry: UInt64 = 1000
    private static let longestRetry: UInt64 = 30_000

    /// - Parameter limits: the shortest and longest time between two queries, in milliseconds, whatever the records
    ///   contain.
    package init(limits: ClosedRange<UInt64>) {
        self.limits = limits
    }

    /// The milliseconds until the next query after one that brought addresses.
    package mutating func succeeded(timeToLive seconds: UInt32) -> UInt64 {
        failures = 0
        return min(max(UInt64(seconds) * 1000, limits.lowerBound), limits.upperBound)
    }

    /// The milliseconds until the next query after a failed one; known addresses stay in use.
    package mutating func failed() -> UInt64 {
        failures = min(failures + 1, 16)
        return min(Self.retry << (failures - 1), Self.longestRetry)
    }
}
