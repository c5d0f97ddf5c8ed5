import HTTP
import StaticFiles
import TLS
import Transport

/// Everything for the workers that one reading of the configuration determines; immutable, shared by all.
struct Generation: Sendable {
    /// The number of the reading, from 1.
    let number: Int
    let limits: ConnectionLimits
    let requestIDs: RequestIDPolicy
    /// Nil where the gateway takes no part in traces.
    let traceContexts: TraceContextPolicy?
    let handshakeTimeout: Delay
    /// Nil for no limit.
    let handshakes: HandshakeLimit?
    /// By listener name.
    let ports: [String: Port]
    let accessLogs: AccessLogSet
    let certificates: CertificateSet
    let limiters: [RequestLimiter.Identity: RequestLimiter]
    /// Nil where nobody can ask what was counted.
    let metrics: MetricsPlan?
    /// Nil where requests are not recorded.
    let recorder: RecorderConfiguration?
    /// Of each worker's cache.
    let fileCaches: [FileCacheCounters]

    /// The next generation, in which only the certificates are different.
    func exchanging(_ certificates: CertificateSet) -> Generation {
        let ports = Dictionary(
            uniqueKeysWithValues: ports.map { name, port in
                (
                    name,
                    Port(
                        sites: port.sites, certificates: certificates.stores[name], proxies: port.proxies,
                        trusted: port.trusted, expectsHTTP2: port.expectsHTTP2, isAdmin: port.isAdmin,
                        httpChallenges: port.httpChallenges, tlsChallenges: port.tlsChallenges)
                )
            })
        return Generation(
            number: number + 1, limits: limits, requestIDs: requestIDs, traceContexts: traceContexts,
            handshakeTimeout: handshakeTimeout, handshakes: handshakes, ports: ports, accessLogs: accessLogs,
            certificates: certificates,
            limiters: limiters,
            metrics: metrics, recorder: recorder, fileCaches: fileCaches)
    }

    /// The sites and rules of one listener.
    struct Port: Sendable {
        /// One for each worker, so that no reference count is changed by two threads while requests are processed.
        let sites: [SiteTable]
        /// Nil for plain HTTP.
        let certificates: CertificateStore?
        /// The proxies whose connections begin with a PROXY protocol header; nil when clients connect directly.
        let proxies: [IPNetwork]?
        /// The proxies that are trusted to name the client.
        let trusted: TrustedProxies?
        /// Whether clients may begin HTTP/2 without TLS.
        let expectsHTTP2: Bool
        /// Whether it is the admin listener, which is neither limited nor logged with the others.
        let isAdmin: Bool
        /// Nil where no challenge of an authority is answered.
        let httpChallenges: HTTPChallenges?
        let tlsChallenges: ChallengeCertificates?
    }
}

extension RequestIDPolicy {
    init(_ configuration: RequestIDConfiguration) {
        self.init(field: configuration.header, accepted: configuration.accepted)
    }
}

extension ConnectionLimits {
    init(_ limits: LimitsConfiguration) {
        self.init()
        head = HeadLimits(
            maximumHead: limits.requestHead, maximumRequestLine: limits.requestLine,
            maximumFields: limits.requestFields)
        maximumBody = UInt64(limits.requestBody)
        unreadBody = limits.unreadBody
        linger.time = Delay(limits.lingeringTime)
        headerTimeout = Delay(limits.headerTimeout)
        bodyTimeout = Delay(limits.bodyTimeout)
        idleTimeout = Delay(limits.idleTimeout)
        writeTimeout = Delay(limits.writeTimeout)
        let grace = Delay(limits.rateGrace)
        requestRate = MinimumDataRate(bytesPerSecond: UInt64(limits.minRequestRate), grace: grace)
        responseRate = MinimumDataRate(bytesPerSecond: UInt64(limits.minResponseRate), grace: grace)
        http2 = HTTP2Limits(limits.http2)
        http2Requests = limits.http2.requests
        responseTimeout = limits.responseTimeout.map { Delay($0) }
    }
}
