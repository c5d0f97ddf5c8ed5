import ISAPI
import Transport

/// The content of the configuration file, checked and with every default filled in.
///
/// A value of this type is consistent: every name it mentions is declared, every file it needs existed when it was
/// read, and every route can be reached. Paths are absolute, sizes are bytes.
package struct Configuration: Sendable, Equatable {
    /// The version of the file's format; always 1.
    package var version = 1
    package var workers = Workers.automatic
    /// The account to run as once the listeners are bound, when started as root.
    package var user: Account?
    /// Whether changes of files with certificates or keys are noticed, unless a certificate has its own setting.
    package var isWatching = false
    /// In file order, as are extensions, upstreams and sites.
    package var listeners: [ListenerConfiguration]
    package var admin = AdminConfiguration()
    package var log = LogConfiguration()
    package var requestID = RequestIDConfiguration()
    /// Nil where the gateway takes no part in traces.
    package var traceContext: TraceContextConfiguration?
    /// Nil where requests are not recorded.
    package var recorder: RecorderConfiguration?
    package var limits = LimitsConfiguration()
    package var fileCache = FileCacheConfiguration()
    package var drain = DrainConfiguration()
    package var acme: [AcmeConfiguration] = []
    package var extensions: [ExtensionConfiguration] = []
    package var resolver = ResolverConfiguration()
    package var upstreams: [UpstreamConfiguration] = []
    /// Where limits are counted for all instances of a fleet.
    package var shared: [SharedEngineConfiguration] = []
    package var sites: [SiteConfiguration]
    /// Warnings about what is allowed but probably not intended, found while the file was read.
    var notes: [ConfigurationNote] = []
}

/// A warning about a line of the file.
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
    /// directly. With proxies, all other connections are closed.
    package var proxies: [IPNetwork]?
    /// The proxies in front that name the client in each request; nil when none is trusted.
    package var trusted: TrustedProxiesConfiguration?
    /// Nil for plain HTTP.
    package var tls: ListenerTLSConfiguration?
    /// Whether clients may begin HTTP/2 without TLS, knowing that they may (RFC 9113 §3.3).
    package var expectsHTTP2 = false
}

/// Proxies in front of a listener that are trusted to name the client.
package struct TrustedProxiesConfiguration: Sendable, Equatable {
    package enum Field: Sendable {
        case xForwardedFor
        /// RFC 7239.
        case forwarded
    }

    package var networks: [IPNetwork]
    package var field: Field
}

/// The limits on what one client can make the gateway store or wait for.
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
    /// Bytes per second of request bodies and of responses, while the gateway waits for the client; 0 for no limit.
    package var minRequestRate = 240
    package var minResponseRate = 240
    /// How long the rates may be lower at the beginning.
    package var rateGrace = Duration.seconds(5)
    /// From the first time that a response had to wait for its client to its end; nil for no limit.
    package var responseTimeout: Duration? = .seconds(86_400)
    /// Bytes of an unread request body that are drained to keep the connection; with more it is closed.
    package var unreadBody = 256 << 10
    /// How long the gateway discards what a client still sends after the last response, so that the client can read
    /// that.
    package var lingeringTime = Duration.seconds(30)
    /// Memory for compression and decompression of the whole gateway; beyond it responses are sent uncompressed.
    package var compressionMemory = 256 << 20
    package var http2 = HTTP2LimitsConfiguration()
}

package struct DrainConfiguration: Sendable, Equatable {
    /// How long the gateway serves on while it reports that it is not ready.
    package var delay = Duration.zero
    /// How long requests in progress may take to finish when the gateway stops.
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
    /// From passing a request to the pool to the end of its response.
    package var requestTimeout = Duration.seconds(60)
    /// Whether a chunked body is collected before the extension is called, so that its length is known.
    package var spoolsRequest = false
    /// Bytes of a body that is collected, in total and in memory.
    package var spoolLimit = 16 << 20
    package var spoolMemory = 64 << 10
    /// Where the rest is collected, as an absolute path.
    package var spoolFolder = "/var/tmp"
    /// The separators of paths that are passed to the extension.
    package var paths = PathStyle.unix
    package var load = Load.startup
    /// How long an extension is without requests before it is asked whether it may be unloaded; nil for never.
    package var idleUnload: Duration?
    /// How long requests are answered 500 after the extension could not be loaded; the next request after that tries
    /// again.
    package var loadRetry = Duration.seconds(30)
    /// The least time between two replacements of an extension that reports itself unhealthy.
    package var recycleInterval = Duration.seconds(30)
    /// Its pool, where it runs isolated.
    package var pool: PoolConfiguration?

    package enum Load: Sendable, Equatable {
        /// With the configuration, before anything is served.
        case startup
        /// At the first request.
        case firstRequest
    }

    package enum Placement: Sendable, Equatable {
        /// In the gateway's own process.
        case inProcess
        /// In processes of its own.
        case isolated
    }
}

/// A pool of processes in which extensions run isolated.
package struct PoolConfiguration: Sendable, Equatable {
    package var name: String
    /// Whether several extensions may name it; otherwise it is that of the extension with its name.
    package var isShared: Bool
    package var settings = PoolSettings()
    /// Requests of each extension that may wait for a thread; one more is answered 503.
    package var queue = 1000
    package var start = ExtensionConfiguration.Load.startup

    package init(name: String, isShared: Bool) {
        self.name = name
        self.isShared = isShared
    }
}
