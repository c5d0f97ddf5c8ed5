/// How commands and monitoring systems reach a running gateway.
///
/// What the admin listener serves is a site like others, with routes of its own: `Configuration` has both among its
/// listeners and sites.
package struct AdminConfiguration: Sendable, Equatable {
    /// The capacity of `sun_path` without its NUL (unix(7)).
    static let maximumSocketPathBytes = 107

    /// The name of the admin listener, which no other listener may have then.
    static let listenerName = "admin"

    /// The control socket, as an absolute path; nil for none.
    package var socket: String?
    /// Whether there is an admin listener.
    package var isListening = false
    /// Upper bounds of the buckets in which the times of requests are counted, ascending.
    package var latencyBuckets: [Duration] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000].map {
        .milliseconds($0)
    }
}

/// What a route of the admin listener answers with.
package enum AdminPage: Sendable, CaseIterable {
    /// Whether the process serves at all.
    case live
    /// Whether it should be sent requests.
    case ready
    case status
    case metrics
    /// The page for people.
    case page
    /// What the page shows, as it changes.
    case events

    var path: String {
        switch self {
        case .live: "/livez"
        case .ready: "/readyz"
        case .status: "/status.json"
        case .metrics: "/metrics"
        case .page: "/"
        case .events: "/events"
        }
    }
}

extension Configuration {
    /// How many sites there are besides that of the admin listener.
    var siteCount: Int { sites.count - (admin.isListening ? 1 : 0) }
}
