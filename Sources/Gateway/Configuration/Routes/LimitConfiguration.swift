/// How often, and how often at the same time, a route may be requested; more is answered 429.
package struct RouteLimits: Sendable, Hashable {
    package var rate: RateLimit?
    package var concurrency: ConcurrencyLimit?

    package struct RateLimit: Sendable, Hashable {
        /// From 1 to 1,000,000.
        package var requests: Int
        package var period: Duration
        /// Requests that may come in a burst after an idle time; from 1 to 1,000,000.
        package var burst: Int
        package var key: LimitKey
        /// Keys counted at the same time.
        package var keys: Int
        /// The engine that counts for all instances of a fleet; nil when each counts for itself.
        package var shared: String?

        /// As the file writes it: `10/s`.
        var frequency: String {
            "\(requests)/\(period == .seconds(1) ? "s" : period == .seconds(60) ? "m" : "h")"
        }
    }

    package struct ConcurrencyLimit: Sendable, Hashable {
        package var requests: Int
        package var key: LimitKey
        /// As that of a rate.
        package var shared: String?
    }

    /// The engines that are used.
    var sharedNames: [String] { [rate?.shared, concurrency?.shared].compactMap(\.self) }
}

/// Identifies the requests that are counted together.
package enum LimitKey: Sendable, Hashable {
    /// The route: all requests count together.
    case route
    /// The client's IPv4 address, or the first 64 bits of its IPv6 address, as a client may vary the rest.
    case address
    /// The value of a header field, or the address without one; the name in lower case.
    case header(String)
    /// The value of a cookie, or the address without one.
    case cookie(String)
}

extension ValueDecoder<RouteLimits> {
    static func routeLimits(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            let limits = RouteLimits(
                rate: keys.take("rate", .rateLimit(declared)),
                concurrency: keys.take("concurrency", .concurrencyLimit(declared)))
            if keys.names.isEmpty {
                keys.context.report("expected at least one of rate and concurrency", at: keys.position)
            }
            return limits
        }
    }
}

extension ValueDecoder<RouteLimits.RateLimit> {
    fileprivate static func rateLimit(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            let (requests, period) = keys.require("requests", .frequency, placeholder: (1, Duration.seconds(1)))
            return RouteLimits.RateLimit(
                requests: requests, period: period,
                burst: keys.take("burst", .integer(in: 1...1_000_000), default: requests),
                key: keys.take("by", .limitKey, default: .address),
                keys: keys.take("keys", .integer(in: 64...10_000_000), default: 16_384),
                shared: keys.take("shared", .sharedEngineName(declared)))
        }
    }
}

extension ValueDecoder<RouteLimits.ConcurrencyLimit> {
    fileprivate static func concurrencyLimit(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            RouteLimits.ConcurrencyLimit(
                requests: keys.require("requests", .integer(in: 1...1_000_000), placeholder: 1),
                key: keys.take("by", .limitKey, default: .address),
                shared: keys.take("shared", .sharedEngineName(declared)))
        }
    }
}

extension ValueDecoder<(Int, Duration)> {
    /// A number of requests in a second, minute or hour: `10/s`.
    static var frequency: Self {
        text("a number of requests in a time, such as 10/s, 600/m or 1000/h") { text in
            let periods: [String: Duration] = ["s": .seconds(1), "m": .seconds(60), "h": .seconds(3600)]
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].utf8.allSatisfy(isDigit), let requests = Int(parts[0]),
                (1...1_000_000).contains(requests), let period = periods[String(parts[1])]
            else { return nil }
            return (requests, period)
        }
    }
}

extension ValueDecoder<LimitKey> {
    static var limitKey: Self {
        let word = Self.word("what is counted together", ["address": .address, "route": .route])
        let section = Self.mapping { keys in
            let header = keys.take("header", .token).map { LimitKey.header($0.lowercased()) }
            let cookie = keys.take("cookie", .token).map { LimitKey.cookie($0) }
            if keys.names.count != 1 {
                keys.context.report("expected either header or cookie", at: keys.position)
            }
            return header ?? cookie ?? .address
        }
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context) }
            return word.decode(node, context)
        }
    }
}

extension ValueDecoder<String> {
    /// The name of a header field or of a cookie (RFC 9110 §5.6.2).
    static var token: Self {
        text("a name") { $0.isEmpty || $0.utf8.count > 256 || !$0.utf8.allSatisfy(isTokenByte) ? nil : $0 }
    }
}
