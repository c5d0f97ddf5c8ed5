import Transport

/// A name to be turned into addresses.
package struct ServiceName: Hashable, Sendable {
    package var host: String
    /// The port of every address; that of SRV records comes with them.
    package var port: UInt16
    /// Whether the name stands for a service, whose SRV records name hosts and ports (RFC 2782).
    package var isService: Bool

    package init(host: String, port: UInt16, isService: Bool = false) {
        self.host = host
        self.port = port
        self.isService = isService
    }
}

/// When a name is asked for again: a value, told what came of each query.
package struct ResolutionSchedule: Sendable {
    private let limits: ClosedRange<UInt64>
    private var failures: UInt64 = 0

    /// After a failure, in milliseconds; each further one waits twice as long.
    private static let retry: UInt64 = 1000
    private static let longestRetry: UInt64 = 30_000

    /// - Parameter limits: the shortest and longest time between two queries, in milliseconds, whatever the records say.
    package init(limits: ClosedRange<UInt64>) {
        self.limits = limits
    }

    /// The milliseconds until the next query after one that brought addresses.
    package mutating func succeeded(timeToLive seconds: UInt32) -> UInt64 {
        failures = 0
        return min(max(UInt64(seconds) * 1000, limits.lowerBound), limits.upperBound)
    }

    /// The milliseconds until the next query after one that brought none; what was known before stays in use.
    package mutating func failed() -> UInt64 {
        failures = min(failures + 1, 16)
        return min(Self.retry << (failures - 1), Self.longestRetry)
    }
}

/// The time to live of the records in a DNS message (RFC 1035 §4.1), which not every function of c-ares tells.
enum RecordTimes {
    /// The shortest of all answers, in seconds; nil when the message is cut off or has none.
    static func shortest(_ message: [UInt8]) -> UInt32? {
        guard message.count >= 12 else { return nil }
        var offset = 12
        for _ in 0..<number(message, 4) {
            guard let end = nameEnd(message, offset) else { return nil }
            offset = end + 4
        }
        var shortest: UInt32?
        for _ in 0..<number(message, 6) {
            guard let end = nameEnd(message, offset), end + 10 <= message.count else { return nil }
            let seconds = UInt32(number(message, end + 4)) << 16 | UInt32(number(message, end + 6))
            shortest = min(shortest ?? seconds, seconds)
            offset = end + 10 + number(message, end + 8)
        }
        return shortest
    }

    private static func number(_ message: [UInt8], _ offset: Int) -> Int {
        Int(message[offset]) << 8 | Int(message[offset + 1])
    }

    /// Behind a name: labels, ended by an empty one or by a pointer.
    private static func nameEnd(_ message: [UInt8], _ start: Int) -> Int? {
        var offset = start
        while offset < message.count {
            let length = Int(message[offset])
            if length == 0 { return offset + 1 }
            if length & 0xC0 == 0xC0 { return offset + 2 <= message.count ? offset + 2 : nil }
            offset += 1 + length
        }
        return nil
    }
}
