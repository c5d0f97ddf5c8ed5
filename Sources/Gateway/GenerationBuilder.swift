import Compression
import HTTP
import ISAPI
import StaticFiles
import TLS
import Transport

/// Builds a generation from a configuration; fails as a whole or not at all.
struct GenerationBuilder {
    let configuration: Configuration
    let number: Int
    let workers: Int
    let extensions: ExtensionHost
    let candidate: ExtensionHost.Candidate
    let upstreams: UpstreamHost
    let upstreamCandidate: UpstreamHost.Candidate
    let engines: SharedEngineHost.Candidate
    let filesLog: FilesLog
    let accessLogs: AccessLogSet
    /// What the new certificates replace.
    let previousCertificates: CertificateSet?
    /// Limits in use, whose counts continue if the configuration did not change them.
    let previousLimiters: [RequestLimiter.Identity: RequestLimiter]
    let previousHandshakes: HandshakeLimit?
    let monitor: Monitor
    let siteNumbers: SiteNumbers
    /// Certificates and keys read beforehand, by absolute path.
    let files: [String: [UInt8]]
    /// What has already been parsed of them.
    let chains: ChainReader
    let acme: AcmeHost

    func build() throws(GatewayError) -> Generation {
        let certificates = try Self.loadCertificates(
            of: configuration, replacing: previousCertificates, from: files, chains)
        let passwords = try PasswordFileReader().read(configuration.sites)
        let pages = try ErrorPageReader().read(configuration.sites)
        let limiters = makeLimiters()
        let types = MediaTypes.system()
        let largestBody = configuration.largestRequestBody
        let caches = (0..<workers).map { _ in FileCache(FileCacheLimits(configuration.fileCache)) }
        let tables = (0..<workers).map { worker in
            let files = SharedFiles(cache: caches[worker], types: types)
            return makeSiteTables(
                worker: worker, limiters: limiters, errorPages: pages, passwords: passwords,
                largestBody: largestBody, files)
        }
        let plan = AcmePlan(configuration, files: files)
        var ports: [String: Generation.Port] = [:]
        for listener in configuration.listeners {
            let sites = tables.compactMap { $0[listener.name] }
            ports[listener.name] = Generation.Port(
                sites: sites, certificates: certificates.stores[listener.name], proxies: listener.proxies,
                trusted: listener.trusted.map(TrustedProxies.init), expectsHTTP2: listener.expectsHTTP2,
                isAdmin: configuration.admin.isListening && listener.name == AdminConfiguration.listenerName,
                httpChallenges: listener.tls == nil && plan.usesHTTP ? acme.httpChallenges : nil,
                tlsChallenges: plan.isEmpty ? nil : acme.tlsChallenges)
        }
        var limits = ConnectionLimits(configuration.limits)
        limits.maximumBody = UInt64(largestBody)
        return Generation(
            number: number, limits: limits, requestIDs: RequestIDPolicy(configuration.requestID),
            traceContexts: configuration.traceContext.map {
                TraceContextPolicy(accepted: $0.accepted, sample: $0.sample)
            },
            handshakeTimeout: Delay(configuration.limits.handshakeTimeout), handshakes: makeHandshakeLimit(),
            ports: ports, accessLogs: accessLogs, certificates: certificates, limiters: limiters,
            metrics: MetricsPlan(configuration, siteNumbers), recorder: configuration.recorder,
            fileCaches: caches.map(\.counters))
    }

    /// The counts continue if the limit is unchanged.
    private func makeHandshakeLimit() -> HandshakeLimit? {
        guard let limit = configuration.limits.clientHandshakes else { return nil }
        if let previousHandshakes, previousHandshakes.limit == limit { return previousHandshakes }
        return HandshakeLimit(limit)
    }

    private func makeLimiters() -> [RequestLimiter.Identity: RequestLimiter] {
        var limiters: [RequestLimiter.Identity: RequestLimiter] = [:]
        for site in configuration.sites {
            for identity in site.routes.compactMap({ $0.limiterIdentity(in: site) }) {
                limiters[identity] = previousLimiters[identity] ?? RequestLimiter(identity)
            }
        }
        return limiters
    }

    /// The certificates of all TLS listeners; unchanged ones are reused from `previous`.
    static func loadCertificates(
        of configuration: Configuration, replacing previous: CertificateSet? = nil, isPreviousAccepted: Bool = false,
        from files: [String: [UInt8]] = [:], _ chains: ChainReader = ChainReader(),
        noteFile: @escaping @Sendable () -> Void = {}
    ) throws(GatewayError) -> CertificateSet {
        if let empty = configuration.tlsListeners.first(where: \.sites.isEmpty) {
            throw .configuration("listener \(empty.name): no site with certificates listens on it")
        }
        // A file that could not be read beforehand is tried once more, for the reason.
        let reader = AcmeMaterial.reader { path throws(CertificateProblem) in
            noteFile()
            if let bytes = files[path] { return bytes }
            return try CertificateFileSystem.read(path)
        }
        var material = AcmeMaterial(readFile: reader, at: .now)
        let listeners = material.resolve(configuration.tlsListeners)
        do throws(CertificateProblems) {
            return try CertificateLoader(readFile: reader, readKey: reader, chains: chains)
                .load(listeners, replacing: previous, isPreviousAccepted: isPreviousAccepted)
        } catch {
            throw .configuration(error.description)
        }
    }

    /// The sites of each listener as one worker serves them, by listener name.
    private func makeSiteTables(
        worker: Int, limiters: [RequestLimiter.Identity: RequestLimiter], errorPages: [String: ErrorPages.Content],
        passwords: [String: PasswordFile], largestBody: Int, _ files: SharedFiles
    ) -> [String: SiteTable] {
        let pool = CompressionPool(memoryLimit: configuration.limits.compressionMemory / workers)
        let rules = RouteRules(
            largestBody: largestBody, usualBody: configuration.limits.requestBody, limiters: limiters,
            passwords: passwords, pool: pool, engines: engines.links(ofWorker: worker))
        let sites = configuration.sites.enumerated().map { index, site in
            let table = makeErrorPages(of: site, errorPages)
            let routes = site.routes.map { route in
                let action = makeAction(
                    route, of: site, number: index + 1, errorPages: table, worker: worker, files)
                let whole = rules.applied(
                    to: action, of: route, on: site, logs: accessLogs.bits(of: route.logs)
                ) { upstreams.guarded($0, by: $1, in: upstreamCandidate, worker: worker) }
                whole.tag = RequestSeries.tag(ofSite: siteNumbers.number(of: site), RouteKind(route.action))
                return (route, whole)
            }
            let answers = SiteTable.Site(
                hosts: site.hosts, tag: RequestSeries.tag(ofSite: siteNumbers.number(of: site)),
                clientCertificates: site.clientCertificates?.mode, identity: site.identity,
                errorPages: table, logs: accessLogs.bits(of: site.logs),
                filter: RouteFilter(site.responseRules, pool: pool), routes: RouteTable(routes))
            return (site.listen, answers)
        }
        var tables: [String: SiteTable] = [:]
        for listener in configuration.listeners {
            tables[listener.name] = SiteTable(sites.filter { $0.0.contains(listener.name) }.map(\.1))
        }
        return tables
    }

    private func makeErrorPages(
        of site: SiteConfiguration, _ contents: [String: ErrorPages.Content]
    ) -> ErrorPages? {
        let pages = site.errorPages.compactMap { page -> (status: Int, substatus: Int?, page: ErrorPages.Page)? in
            switch page.source {
            case .file(let file): contents[file].map { (page.status, page.substatus, .content($0)) }
            case .route(let path, _): (page.status, page.substatus, .route(Array(path.utf8)))
            }
        }
        return pages.isEmpty ? nil : ErrorPages(pages)
    }

    private func makeAction(
        _ route: RouteConfiguration, of site: SiteConfiguration, number: Int, errorPages: ErrorPages?, worker: Int,
        _ files: SharedFiles
    ) -> Action {
        switch route.action {
        case .respond(let response):
            RespondAction(
                FixedResponse(
                    status: response.status, fields: response.headers.map { ($0.name, $0.value) },
                    body: Array(response.body.utf8)))
        case .redirect(let redirect):
            RedirectAction(status: redirect.status, target: redirect.to, siteName: site.firstName)
        case .files(let configuration):
            FilesAction(files.handler(for: configuration, rules: route.pathRules, reporter: filesLog))
        case .proxy(let proxy):
            upstreams.action(
                proxy, matching: route.conditions.expression, in: upstreamCandidate, worker: worker)
        case .runExtension(let name, let wholePathInfo):
            extensions.action(
                for: name, in: candidate, naming: route.path.naming(wholePathInfo: wholePathInfo), site: site,
                siteNumber: number, errorPages: errorPages, keepsTimes: configuration.keepsExtensionTimes,
                worker: worker)
        case .administration(let page):
            AdminAction(page, monitor)
        case .extensionsIn(let folder):
            ScriptFolderAction(
                start: folder.start, suffix: folder.suffix,
                extensions: ScriptFolders.files(of: folder).map { file in
                    let action = extensions.action(
                        for: file.path, in: candidate, naming: route.path.naming(wholePathInfo: false), site: site,
                        siteNumber: number, errorPages: errorPages, keepsTimes: configuration.keepsExtensionTimes,
                        worker: worker)
                    return (file.name, action)
                })
        }
    }
}

extension SiteConfiguration {
    /// The first host that is a single name.
    fileprivate var firstName: String? {
        for case .exact(let name) in hosts { return name }
        return nil
    }
}

extension SiteConfiguration {
    /// What the site shows and asks for in handshakes.
    var identity: [String] {
        let clients = clientCertificates.map { ["\($0.mode) \($0.authorities) \($0.revocations ?? "") \($0.depth)"] }
        return certificates.map(\.chain).sorted() + (clients ?? [])
    }
}

extension PathPattern {
    /// Which part of a path that matches names the extension.
    fileprivate func naming(wholePathInfo: Bool) -> ScriptNaming {
        switch self {
        case .exact: .wholePath
        case .prefix(let path): .prefix(path.utf8.count - 1)
        case .script(let prefix, let suffix):
            .script(start: prefix.utf8.count, suffix: Array(suffix.utf8), wholePathInfo: wholePathInfo)
        }
    }
}

extension Configuration {
    /// Bytes of the largest request body that any route accepts; a larger one is refused before the route is known.
    var largestRequestBody: Int {
        sites.flatMap(\.routes).map { $0.requestBody ?? limits.requestBody }.max() ?? limits.requestBody
    }
}

extension HostPattern {
    /// The pattern as the file spells it.
    var text: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let suffix): "*\(suffix)"
        }
    }
}
