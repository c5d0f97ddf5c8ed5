import ISAPI
import Transport

/// Everything the configuration file says, checked and with every default filled in.
///
/// A value of this type is consistent: every name it mentions is declared, every file it needs existed when it was
/// read, and every route can be reached. Paths are absolute, sizes are bytes.
package struct Configuration: Sendable, Equatable {
    /// The version of the file's format; always 1.
    package var version = 1
    package var workers = Workers.automatic
    /// The account to run as once the listeners are bound, when started as root.
    package var user: Account?
    /// Whether a change of any file with certificates or keys is noticed, where a certificate does not say otherwise.
    package var isWatching = false
    /// In file order, as are extensions, upstreams and sites.
    package var listeners: [ListenerConfiguration]
    package var admin = AdminConfiguration()
    package var log = LogConfiguration()
    package var requestID = RequestIDConfiguration()
    package var limits = LimitsConfiguration()
    package var fileCache = FileCacheConfiguration()
    package var drain = DrainConfiguration()
    package var extensions: [ExtensionConfiguration] = []
    package var resolver = ResolverConfiguration()
    package var upstreams: [UpstreamConfiguration] = []
    package var sites: [SiteConfiguration]
    /// What is allowed and yet worth a second thought, as far as reading the file has shown it.
    var notes: [ConfigurationNote] = []
}

/// Something worth knowing about a line of the file.
package struct ConfigurationNote: Sendable, Equatable {
    package var line: Int
    package var text: String
}

/// How many event-loop threads to run.
package enum Workers: Sendable, Equatable {
    /// One for each processor the gateway may use.
    case automatic
    /// From 1 to 256.
    case count(Int)
}

/// A named set of addresses that share a protocol.
package struct ListenerConfiguration: Sendable, Equatable {
    package var name: String
    package var bind: [BindAddress]
    /// The proxies in front, every connection from which begins with a PROXY protocol header; nil when clients connect
    /// themselves. Nobody else is let in then.
    package var proxies: [IPNetwork]?
    /// The proxies in front that say in each request for whom they ask; nil when nobody is believed.
    package var trusted: TrustedProxiesConfiguration?
    /// Nil for plain HTTP.
    package var tls: ListenerTLSConfiguration?
    /// Whether clients may begin HTTP/2 without TLS, knowing that they may (RFC 9113 §3.3).
    package var expectsHTTP2 = false
}

/// Proxies in front of a listener that are believed when they say for whom they ask.
package struct TrustedProxiesConfiguration: Sendable, Equatable {
    package enum Field: Sendable {
        case xForwardedFor
        /// RFC 7239.
        case forwarded
    }

    package var networks: [IPNetwork]
    package var field: Field
}

/// How a running gateway is asked and told things.
package struct AdminConfiguration: Sendable, Equatable {
    /// What `sun_path` holds besides its NUL (unix(7)).
    static let maximumSocketPathBytes = 107

    /// The control socket, as an absolute path; nil for none.
    package var socket: String?
}

package struct LogConfiguration: Sendable, Equatable {
    package var level = Level.info
    /// Nil when requests are not logged.
    package var access: AccessLogConfiguration?

    /// From the most to the least talkative.
    package enum Level: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
    }
}

package struct AccessLogConfiguration: Sendable, Equatable {
    package var destination: Destination
    package var format = Format.combined

    package enum Destination: Sendable, Equatable {
        case standardOutput
        /// An absolute path.
        case file(String)
    }

    package enum Format: String, Sendable, CaseIterable {
        case combined, json, w3c
    }
}

/// The bounds on what one client can make the gateway hold or wait for.
package struct LimitsConfiguration: Sendable, Equatable {
    /// Bytes of request line and fields together.
    package var requestHead = 64 << 10
    /// Bytes.
    package var requestLine = 8 << 10
    /// The number of fields in a head.
    package var requestFields = 100
    /// Bytes.
    package var requestBody = 1 << 30
    /// From the first byte of a head to its last.
    package var headerTimeout = Duration.seconds(10)
    /// Between two reads of a body.
    package var bodyTimeout = Duration.seconds(30)
    /// Between two requests on a connection.
    package var idleTimeout = Duration.seconds(75)
    /// Between two writes the client accepts.
    package var writeTimeout = Duration.seconds(60)
    /// From accepting a connection to the end of its TLS handshake.
    package var handshakeTimeout = Duration.seconds(10)
    /// Open connections of the whole gateway.
    package var maxConnections = 20_000
    /// Open connections of each client; nil for no limit.
    package var clientConnections: Int? = 5000
    /// TLS handshakes of each client; nil for no limit.
    package var clientHandshakes: RouteLimits.RateLimit? = .init(
        requests: 200, period: .seconds(1), burst: 1000, key: .address, keys: 16_384)
    /// Bytes per second of request bodies and of responses, while the client is waited for; 0 for no limit.
    package var minRequestRate = 240
    package var minResponseRate = 240
    /// How long they may be slower at the beginning.
    package var rateGrace = Duration.seconds(5)
    /// From the first time that a response had to wait for its client to its end; nil for no limit.
    package var responseTimeout: Duration? = .seconds(86_400)
    /// Bytes of a request body no handler read that are drained to keep the connection; beyond them it is closed.
    package var unreadBody = 256 << 10
    /// How long what a client still sends behind the last response is dropped, for that to be read.
    package var lingeringTime = Duration.seconds(30)
    /// Bytes that compressing and decompressing may take, of the whole gateway; beyond them responses are sent as they are.
    package var compressionMemory = 256 << 20
    package var http2 = HTTP2LimitsConfiguration()
}

package struct DrainConfiguration: Sendable, Equatable {
    /// How long requests in flight may take to finish when the gateway stops.
    package var grace = Duration.seconds(30)
}

/// An ISAPI extension and the application pool that runs it.
package struct ExtensionConfiguration: Sendable, Equatable {
    package var name: String
    /// The shared library, as an absolute path.
    package var library: String
    package var placement = Placement.inProcess
    /// The pool's threads.
    package var threads = 8
    /// Requests that may wait for a thread; one more is answered 503.
    package var queue = 1000
    /// From handing a request to the pool to the end of its response.
    package var requestTimeout = Duration.seconds(60)
    /// Whether a chunked body is collected before the extension is called, so that it finds a length.
    package var spoolsRequest = false
    /// Bytes of a body that is collected, at all and in memory.
    package var spoolLimit = 16 << 20
    package var spoolMemory = 64 << 10
    /// Where the rest is collected, as an absolute path.
    package var spoolFolder = "/var/tmp"
    /// How the extension is told paths.
    package var paths = PathStyle.unix
    package var load = Load.startup
    /// How long an extension is without requests before it is asked whether it may be unloaded; nil for never.
    package var idleUnload: Duration?
    /// How long requests are answered 500 after the extension could not be loaded; the next one tries again.
    package var loadRetry = Duration.seconds(30)
    /// The least time between two replacements of an extension that reports itself unhealthy.
    package var recycleInterval = Duration.seconds(30)

    package enum Load: Sendable, Equatable {
        /// With the configuration, before anything is served.
        case startup
        /// When the first request comes for it.
        case firstRequest
    }

    package enum Placement: Sendable, Equatable {
        /// On threads of the gateway's own process.
        case inProcess
    }
}
