import HTTP

/// The bounds on one connection of HTTP/2 beyond those of all requests.
package struct HTTP2LimitsConfiguration: Sendable, Equatable {
    /// Requests under way at a time.
    package var streams = HTTP2Limits().maximumStreams
    /// Requests after which the connection ends; nil for no limit.
    package var requests: Int?
    /// Bytes of request bodies that have come and not been used, of all requests together.
    package var uploadMemory = HTTP2Limits().connectionWindow
    /// How often a client may do what costs us work and it nothing.
    package var floods = FloodLimits()
}

extension HTTP2Limits {
    init(_ configuration: HTTP2LimitsConfiguration) {
        self.init()
        maximumStreams = configuration.streams
        connectionWindow = configuration.uploadMemory
        largestWindow = min(largestWindow, configuration.uploadMemory)
        initialWindow = min(initialWindow, configuration.uploadMemory)
        floods = configuration.floods
    }
}

extension ValueDecoder<HTTP2LimitsConfiguration> {
    /// `limits.http2`.
    static var http2Limits: Self {
        let defaults = HTTP2LimitsConfiguration()
        return .mapping { keys in
            var limits = HTTP2LimitsConfiguration()
            limits.streams = keys.take("streams", .integer(in: 1...4096), default: defaults.streams)
            limits.requests = keys.take("requests", .orOff(.integer(in: 1...1_000_000_000)), default: nil)
            limits.uploadMemory = keys.take(
                "upload_memory", .size(in: 64 << 10...1 << 30), default: defaults.uploadMemory)
            limits.floods.resets = keys.takeFlood("resets", defaults.floods.resets)
            limits.floods.provokedResets = keys.takeFlood("provoked_resets", defaults.floods.provokedResets)
            limits.floods.refusedStreams = keys.takeFlood("refused_streams", defaults.floods.refusedStreams)
            limits.floods.pings = keys.takeFlood("pings", defaults.floods.pings)
            limits.floods.settings = keys.takeFlood("settings", defaults.floods.settings)
            limits.floods.priorities = keys.takeFlood("priorities", defaults.floods.priorities)
            limits.floods.windowUpdates = keys.takeFlood("window_updates", defaults.floods.windowUpdates)
            limits.floods.emptyFrames = keys.takeFlood("empty_frames", defaults.floods.emptyFrames)
            limits.floods.padding = keys.takeFlood("padding", defaults.floods.padding)
            limits.floods.unknownFrames = keys.takeFlood("unknown_frames", defaults.floods.unknownFrames)
            return limits
        }
    }
}

extension MappingReader {
    /// How often something may happen in the long run; as many times as much at once as by default.
    fileprivate mutating func takeFlood(_ key: String, _ usual: FloodLimits.Limit) -> FloodLimits.Limit {
        guard let frequency = take(key, .frequency) else { return usual }
        let seconds = max(Int(frequency.1.components.seconds), 1)
        let rate = max(frequency.0 / seconds, 1)
        return FloodLimits.Limit(burst: max(rate * usual.burst / usual.perSecond, 10), perSecond: rate)
    }
}
