/// What a Redis that several gateways share does in one step each (EVAL); the names of the keys are those of `SharedStorageKeys`.
///
/// A lock's number grows with every holder, also when the server has lost everything, as it is not smaller than the
/// server's clock in milliseconds. Whoever changes something names its lock, and is refused when another one has it now.
enum SharedStorageScripts {
    /// KEYS: lock, fence. ARGV: instance, lifetime in ms.
    ///
    /// Returns the lock's number and ``, or 0 and the holder's instance.
    static let lock: StaticString =
        """
        local held = redis.call('GET', KEYS[1])
        if held then return {0, string.match(held, ' (.*)$')} end
        local time = redis.call('TIME')
        local number = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, time[1] * 1000 + math.floor(time[2] / 1000))
        local text = string.format('%.0f', number)
        redis.call('SET', KEYS[2], text)
        redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2])
        return {text, ''}
        """

    /// KEYS: lock. ARGV: the lock, lifetime in ms. Returns whether it is still held, and then longer.
    static let prolong: StaticString =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """

    /// KEYS: lock. ARGV: the lock.
    static let unlock: StaticString =
        """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 1
        """

    /// KEYS: lock, folder, changes, revision. ARGV: the lock, the name of the folder, entry, content.
    ///
    /// Returns the revision, or 0 when the lock is lost.
    static let write: StaticString =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
        local revision = redis.call('INCR', KEYS[4])
        redis.call('XADD', KEYS[3], 'MAXLEN', '~', '10000', '*', 'folder', ARGV[2], 'entry', ARGV[3], 'revision', revision)
        return revision
        """

    /// KEYS: lock, folder, changes, revision. ARGV: the lock, the name of the folder, entry.
    static let remove: StaticString =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('HDEL', KEYS[2], ARGV[3])
        local revision = redis.call('INCR', KEYS[4])
        redis.call('XADD', KEYS[3], 'MAXLEN', '~', '10000', '*', 'folder', ARGV[2], 'entry', ARGV[3], 'revision', revision)
        return revision
        """

    /// KEYS: lock, revision. ARGV: the lock, the least revision from now on.
    static let advance: StaticString =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        local revision = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[2]))
        redis.call('SET', KEYS[2], string.format('%.0f', revision))
        return 1
        """

    /// KEYS: instances. ARGV: instance, lifetime in ms. Returns the number of instances.
    static let announce: StaticString =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now))
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return redis.call('ZCARD', KEYS[1])
        """

    /// KEYS: lock, challenges, changes, the acknowledgements of this challenge.
    /// ARGV: the lock, the challenge's name, what answers it, lifetime in ms.
    static let present: StaticString =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
        redis.call('PEXPIRE', KEYS[2], ARGV[4])
        redis.call('DEL', KEYS[4])
        redis.call('XADD', KEYS[3], 'MAXLEN', '~', '10000', '*', 'challenge', ARGV[2])
        return 1
        """

    /// KEYS: challenges, changes, acknowledgements. ARGV: the challenge's name.
    static let withdraw: StaticString =
        """
        redis.call('HDEL', KEYS[1], ARGV[1])
        redis.call('DEL', KEYS[3])
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'challenge', ARGV[1])
        return 1
        """

    /// KEYS: acknowledgements. ARGV: instance, lifetime in ms.
    static let acknowledge: StaticString =
        """
        redis.call('SADD', KEYS[1], ARGV[1])
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """

    /// KEYS: instances, acknowledgements. Returns how many instances have not acknowledged.
    static let missing: StaticString =
        """
        local time = redis.call('TIME')
        local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
        local count = 0
        for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
            if redis.call('SISMEMBER', KEYS[2], name) == 0 then count = count + 1 end
        end
        return count
        """
}

/// The keys of one storage; the braces put all of them on one machine of a cluster.
struct SharedStorageKeys: Sendable {
    private let prefix: String

    init(prefix: String) { self.prefix = "{\(prefix):acme}:" }

    var lock: String { prefix + "lock" }
    var fence: String { prefix + "fence" }
    var revision: String { prefix + "revision" }
    var changes: String { prefix + "changes" }
    var instances: String { prefix + "instances" }
    var challenges: String { prefix + "challenges" }
    func folder(_ name: String) -> String { prefix + name }
    func acknowledgements(of challenge: String) -> String { prefix + "acknowledged:" + challenge }
}
