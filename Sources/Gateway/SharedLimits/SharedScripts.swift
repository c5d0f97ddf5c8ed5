import Redis
import TLS

/// What the gateway has Redis execute. A script runs alone, on the clock of the server.
struct SharedScript: Sendable {
    let source: String
    /// By which Redis knows the script.
    let digest: String

    private init(_ source: String) {
        self.source = source
        digest = Array(source.utf8).sha1Text
    }

    /// The beginning of a command that runs the script with one key or two.
    ///
    /// - Parameter isWhole: with the text of the script, for a server that does not know it.
    func begin(keys: Int, arguments: Int, isWhole: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        RedisCommand.begin(argumentCount: 3 + keys + arguments, in: &bytes)
        for text in [isWhole ? "EVAL" : "EVALSHA", isWhole ? source : digest, "\(keys)"] {
            text.withBytes { RedisCommand.append($0, to: &bytes) }
        }
        return bytes
    }

    /// The generic cell rate algorithm, as in `RateTable`.
    ///
    /// KEYS: a key's theoretical arrival time. ARGV: interval and tolerance, in microseconds. Returns the microseconds
    /// to wait if the request is refused, otherwise, negative, by how much the time is ahead now.
    ///
    /// A time that is further ahead than any request makes it comes from a clock that was set back, or from a limit
    /// that was larger.
    static let rate = SharedScript(
        """
        local t = redis.call('TIME')
        local now = t[1] * 1000000 + t[2]
        local interval = tonumber(ARGV[1])
        local tolerance = tonumber(ARGV[2])
        local tat = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
        if tat < now then tat = now end
        if tat > now + tolerance + interval then tat = now + tolerance + interval end
        if tat - now > tolerance then return tat - now - tolerance end
        tat = tat + interval
        redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
        return now - tat
        """)

    /// Milliseconds after which the counts of a key are removed if nothing is counted, a day: for what is left of
    /// instances that were killed.
    static let countLifetime = 86_400_000

    /// A request that begins.
    ///
    /// KEYS: a hash of the counts of one key by instance and worker; the instances. ARGV: the field of this worker, its
    /// count with this request, the limit. Returns 1 if the request is within the limit, and then the count is stored.
    /// Counts of instances that do not report any more are removed.
    static let enter = SharedScript(
        """
        local t = redis.call('TIME')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        local others = 0
        local counts = redis.call('HGETALL', KEYS[1])
        for i = 1, #counts, 2 do
          if counts[i] ~= ARGV[1] then
            local expiry = redis.call('ZSCORE', KEYS[2], string.match(counts[i], '^[^/]*'))
            if expiry and tonumber(expiry) > now then
              others = others + tonumber(counts[i + 1])
            else
              redis.call('HDEL', KEYS[1], counts[i])
            end
          end
        end
        if others + tonumber(ARGV[2]) > tonumber(ARGV[3]) then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('PEXPIRE', KEYS[1], \(countLifetime))
        return 1
        """)

    /// An instance that reports.
    ///
    /// KEYS: the instances by the time until which they count. ARGV: the instance, its lease in milliseconds. Returns
    /// the number of instances, negative when this one was not among them. It adds before it removes: a server without
    /// memory refuses a script only before its first change.
    static let announce = SharedScript(
        """
        local t = redis.call('TIME')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) > now
        redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        local count = redis.call('ZCARD', KEYS[1])
        if known then return count end
        return -count
        """)
}
