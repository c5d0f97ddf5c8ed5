import HTTP
import Memory
import Synchronization
import Transport

/// Finds the site and route of a request; one per listener and worker.
@safe
final class SiteRouter: RequestRouter {
    private var table: SiteTable {
        didSet { unsafe current = Unretained(unchecked: table) }
    }
    /// `table`, used without counting references.
    private var current: Unretained<SiteTable>
    private var accessLogs: AccessLogs?
    /// Nil where nobody can ask what was counted.
    private var metrics: RequestMetrics? {
        didSet { counting = metrics.map { unsafe Unretained(unchecked: $0) } }
    }
    /// `metrics`, used without counting references.
    private var counting: Unretained<RequestMetrics>?
    /// Nil where requests are not recorded.
    private var recorder: FlightRecorder?
    private var listener = ""
    /// Whether it is noted where the time of requests goes.
    private var keepsTimes = false
    /// Nil without a slow log; alive as long as the worker's server.
    private var slow: Unretained<SlowWatch>?
    /// Nil where no challenge of an authority is answered.
    var challenges: HTTPChallenges?
    private let refusals: ReasonLog
    private let cuts: ReasonLog
    private let faults: ReasonLog
    private let requests: RequestCounter

    init(
        _ table: SiteTable, accessLogs: AccessLogs?, metrics: RequestMetrics?, refusals: ReasonLog, cuts: ReasonLog,
        faults: ReasonLog, requests: RequestCounter
    ) {
        self.table = table
        unsafe current = Unretained(unchecked: table)
        self.accessLogs = accessLogs
        self.metrics = metrics
        counting = metrics.map { unsafe Unretained(unchecked: $0) }
        self.refusals = refusals
        self.cuts = cuts
        self.faults = faults
        self.requests = requests
    }

    /// - Parameter slow: has to stay alive as long as the router.
    func observe(keepingTimes keepsTimes: Bool, slow: SlowWatch?, recorder: FlightRecorder?, listener: String) {
        self.keepsTimes = keepsTimes
        self.recorder = recorder
        self.listener = listener
        self.slow = slow.map { unsafe Unretained(unchecked: $0) }
    }

    /// Uses other sites from the next request on.
    func serve(_ table: SiteTable, accessLogs: AccessLogs?, metrics: RequestMetrics?) {
        self.table = table
        self.accessLogs = accessLogs
        self.metrics = metrics
    }

    func answer(_ exchange: Exchange) -> Disposition {
        requests.increment()
        if let challenges, challenges.answer(exchange) { return .answered }
        if keepsTimes { return answerKeepingTimes(exchange) }
        return current.with { $0.answer(exchange, isCounted: true) }
    }

    @inline(never)
    private func answerKeepingTimes(_ exchange: Exchange) -> Disposition {
        exchange.keepTimes()
        let disposition = current.with { $0.answer(exchange, isCounted: true) }
        if let slow, case .handler = disposition { slow.with { $0.watch(exchange) } }
        return disposition
    }

    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition {
        current.with { $0.answer(exchange, passing: passed) }
    }

    var observesExchanges: Bool { accessLogs != nil || counting != nil || recorder != nil }

    func finished(_ exchange: Exchange) {
        accessLogs?.record(exchange)
        counting?.with { $0.record(exchange) }
        recorder?.record(exchange, on: listener)
    }

    func switched(_ exchange: Exchange) -> (any SuccessionObserver)? {
        counting?.with { $0.record(exchange) }
        recorder?.record(exchange, on: listener)
        return accessLogs?.recordAtEnd(exchange)
    }

    func prepareRefusal(of exchange: Exchange) {
        table.prepareRefusal(of: exchange)
    }

    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?) {
        refusals.note("\(rejection.reason)", from: connection.endpoint.remoteAddress, request: id)
    }

    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?) {
        cuts.note("\(reason)", from: connection.endpoint.remoteAddress, request: id)
    }

    func ended(_ fault: HTTP2Fault, on connection: ClientConnection) {
        faults.note("\(fault.reason)", from: connection.endpoint.remoteAddress)
    }
}

/// Counts the requests of one worker; other threads may read it.
final class RequestCounter: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .relaxed) }

    /// Only on the worker's thread, so that a plain load and store is enough.
    @inline(__always)
    func increment() {
        value.store(value.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}

/// The sites of one listener with their routes, as one worker serves them; immutable.
@safe
final class SiteTable: @unchecked Sendable {
    private let hosts: HostTable
    /// Kept alive by `routeTables`, used without counting references.
    private let routes: [Unretained<RouteTable>]
    private let routeTables: [RouteTable]
    /// The tags of the sites' requests.
    private let tags: [Int32]
    private let errorPages: [ErrorPages?]
    /// The access logs of sites that name some.
    private let logs: [UInt32?]
    private let filters: [RouteFilter?]
    private let guards: [ClientCertificateGuard?]
    /// Which sites prove themselves and ask for proofs in the same way, by site and by the name of a handshake's site;
    /// nil where all do.
    private let identities: (ofSites: [Int], ofHandshakes: [String: Int])?
    private let otherConnection: FixedResponse
    private let noSite: FixedResponse
    /// `OPTIONS *`, which concerns the server and no path (RFC 9110 §9.3.7).
    private let serverOptions: FixedResponse
    private let noRoute: FixedResponse

    /// What belongs to one site.
    struct Site {
        let hosts: [HostPattern]
        /// The tag of its requests that no route answers.
        let tag: Int32
        /// The mode of a site that asks clients for certificates.
        let clientCertificates: ClientCertificateConfiguration.Mode?
        /// What it shows and asks for in handshakes; the same for sites that do the same.
        let identity: [String]
        let errorPages: ErrorPages?
        /// Its access logs; nil for those used by default.
        let logs: UInt32?
        /// The response rules for responses that no route gives.
        let filter: RouteFilter?
        let routes: RouteTable
    }

    init(_ sites: [Site]) {
        hosts = HostTable(sites.map(\.hosts))
        routeTables = sites.map(\.routes)
        routes = routeTables.map { unsafe Unretained(unchecked: $0) }
        tags = sites.map(\.tag)
        errorPages = sites.map(\.errorPages)
        logs = sites.map(\.logs)
        filters = sites.map(\.filter)
        guards = sites.map { site in
            site.clientCertificates.map { ClientCertificateGuard($0, site: site.hosts.first?.description) }
        }
        identities = Self.identities(of: sites)
        otherConnection = Self.message(
            421, "this site wants a connection of its own, because its certificate is another")
        noSite = Self.message(421, "no site on this listener answers for the requested host")
        noRoute = Self.message(404, "no route answers for the requested path")
        serverOptions = FixedResponse(
            status: 200, fields: [("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
    }

    /// - Parameter isCounted: false for an internal request, which is counted as that of the client.
    @inline(__always)
    func answer(
        _ exchange: Exchange, passing passed: [any RequestHandler] = [], isCounted: Bool = false
    ) -> Disposition {
        guard let site = hosts.site(for: exchange.bytes(of: exchange.head.authority)) else {
            exchange.respond(noSite)
            return .answered
        }
        if let logs = logs[site] { exchange.setLogs(logs) }
        if let refusal = guards[site]?.refusal(on: exchange.connection.stream) {
            if isCounted { exchange.setTag(tags[site]) }
            exchange.respond(refusal)
            return .answered
        }
        if exchange.head.version == .http2, isMisdirected(exchange, to: site) {
            if isCounted { exchange.setTag(tags[site]) }
            exchange.respond(otherConnection)
            return .answered
        }
        // The exchange keeps a counted reference, since a reload may replace this table while the request is answered.
        if let pages = errorPages[site] { exchange.setErrorPages(pages) }
        if exchange.head.form == .asterisk {
            if isCounted { exchange.setTag(tags[site]) }
            if let filter = filters[site] { exchange.attach(filter) }
            exchange.respond(serverOptions)
            return .answered
        }
        let table = routes[site]
        let action = exchange.withPath { path in
            table.with { $0.action(for: exchange, at: path, passing: passed) }
        }
        guard let action = action else {
            if isCounted { exchange.setTag(tags[site]) }
            if let filter = filters[site] { exchange.attach(filter) }
            exchange.fail(noRoute)
            return .answered
        }
        return action.with { action in
            if isCounted { exchange.setTag(action.tag) }
            return action.answer(exchange)
        }
    }

    /// Whether the connection was made with a site that is another one to its clients (RFC 9113 §9.1.1).
    @inline(__always)
    private func isMisdirected(_ exchange: Exchange, to site: Int) -> Bool {
        guard let identities, let own = exchange.connection.stream.site.flatMap({ identities.ofHandshakes[$0] }) else {
            return false
        }
        return identities.ofSites[site] != own
    }

    private static func identities(of sites: [Site]) -> (ofSites: [Int], ofHandshakes: [String: Int])? {
        let known = sites.map { site in sites.firstIndex { $0.identity == site.identity } ?? 0 }
        guard known.contains(where: { $0 != known[0] }) else { return nil }
        let names = sites.indices.compactMap { index in
            sites[index].hosts.first.map { ($0.description, known[index]) }
        }
        return (known, Dictionary(names) { first, _ in first })
    }

    func prepareRefusal(of exchange: Exchange) {
        guard let site = siteOfRefused(exchange) else { return }
        if let logs = logs[site] { exchange.setLogs(logs) }
        guard guards[site]?.refusal(on: exchange.connection.stream) == nil else { return }
        if let pages = errorPages[site] { exchange.setErrorPages(pages) }
        if let filter = filters[site] { exchange.attach(filter) }
    }

    /// The site that a request names; for a request that could not be parsed, the site that the handshake named, or
    /// else the one whose certificate is presented to clients without a server name.
    private func siteOfRefused(_ exchange: Exchange) -> Int? {
        let authority = exchange.head.authority
        if !authority.isEmpty { return hosts.site(for: exchange.bytes(of: authority)) }
        let name = exchange.connection.stream.security?.serverName ?? ""
        let named = name.withBytes { hosts.site(for: $0) }
        return named ?? (routes.isEmpty ? nil : 0)
    }

    fileprivate static func message(_ status: Int, _ text: String) -> FixedResponse {
        FixedResponse(
            status: status, fields: [("Content-Type", "text/plain; charset=utf-8")],
            body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}

/// Refuses requests for a site that asks clients for certificates if their connection was not asked for one.
private final class ClientCertificateGuard: Sendable {
    private let isRequired: Bool
    /// The site's name in handshakes.
    private let site: String?
    private let otherSite = SiteTable.message(
        421, "this site wants a connection of its own, because it asks for certificates")
    private let noTLS = SiteTable.message(
        421, "this site requires a client certificate, which only a connection with TLS can show")

    init(_ mode: ClientCertificateConfiguration.Mode, site: String?) {
        isRequired = mode == .require
        self.site = site
    }

    /// Nil for a request that the site may answer: with TLS, if the handshake was for this site; without TLS, if
    /// certificates are only requested and not required, as none can be presented there.
    func refusal(on stream: any ByteStream) -> FixedResponse? {
        guard stream.isSecure else { return isRequired ? noTLS : nil }
        return stream.security?.site == site ? nil : otherSite
    }
}
