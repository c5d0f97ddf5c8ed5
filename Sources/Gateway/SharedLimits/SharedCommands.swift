import Memory
import Redis

/// The command that counts one request of a route's rate: all but the hash of the key value is written once.
struct SharedRateCommand {
    private let parts: (known: Parts, whole: Parts)

    private struct Parts {
        let head: [UInt8]
        let tail: [UInt8]
    }

    /// - Parameters:
    ///   - prefix: of the names of the route's keys.
    ///   - interval: in microseconds, as the tolerance.
    init(prefix: String, interval: UInt64, tolerance: UInt64) {
        func parts(isWhole: Bool) -> Parts {
            var head = SharedScript.rate.begin(keys: 1, arguments: 2, isWhole: isWhole)
            RedisCommand.beginArgument(length: prefix.utf8.count + SipHash.Value.textLength, in: &head)
            head += prefix.utf8
            var tail: [UInt8] = []
            RedisCommand.endArgument(in: &tail)
            for number in [interval, tolerance] {
                "\(number)".withBytes { RedisCommand.append($0, to: &tail) }
            }
            return Parts(head: head, tail: tail)
        }
        self.parts = (parts(isWhole: false), parts(isWhole: true))
    }

    /// - Parameter isWhole: with the text of the script.
    func append(_ key: SipHash.Value, isWhole: Bool, to bytes: inout [UInt8]) {
        let parts = isWhole ? parts.whole : parts.known
        bytes += parts.head
        key.append(to: &bytes)
        bytes += parts.tail
    }
}

/// The commands for the requests in progress of a route.
struct SharedConcurrencyCommands {
    private let prefix: String
    private let instances: String
    private let field: String
    private let limit: Int

    /// - Parameters:
    ///   - prefix: of the names of the route's keys.
    ///   - field: the worker's, in the counts of each key.
    init(prefix: String, instances: String, field: String, limit: Int) {
        self.prefix = prefix
        self.instances = instances
        self.field = field
        self.limit = limit
    }

    /// The request that makes it `count` requests of this worker begins, if it is within the limit.
    func appendEntry(_ key: SipHash.Value, count: Int, isWhole: Bool, to bytes: inout [UInt8]) {
        bytes += SharedScript.enter.begin(keys: 2, arguments: 3, isWhole: isWhole)
        appendName(of: key, to: &bytes)
        for text in [instances, field, "\(count)", "\(limit)"] {
            text.withBytes { RedisCommand.append($0, to: &bytes) }
        }
    }

    /// The worker has `count` requests of this key.
    func appendCount(_ key: SipHash.Value, count: Int, to bytes: inout [UInt8]) {
        RedisCommand.begin(argumentCount: count > 0 ? 4 : 3, in: &bytes)
        (count > 0 ? "HSET" : "HDEL").withBytes { RedisCommand.append($0, to: &bytes) }
        appendName(of: key, to: &bytes)
        field.withBytes { RedisCommand.append($0, to: &bytes) }
        if count > 0 { "\(count)".withBytes { RedisCommand.append($0, to: &bytes) } }
    }

    /// The counts of the key are kept for as long as those of a request that begins now.
    func appendLifetime(_ key: SipHash.Value, to bytes: inout [UInt8]) {
        RedisCommand.begin(argumentCount: 3, in: &bytes)
        "PEXPIRE".withBytes { RedisCommand.append($0, to: &bytes) }
        appendName(of: key, to: &bytes)
        "\(SharedScript.countLifetime)".withBytes { RedisCommand.append($0, to: &bytes) }
    }

    private func appendName(of key: SipHash.Value, to bytes: inout [UInt8]) {
        RedisCommand.beginArgument(length: prefix.utf8.count + SipHash.Value.textLength, in: &bytes)
        bytes += prefix.utf8
        key.append(to: &bytes)
        RedisCommand.endArgument(in: &bytes)
    }
}
