import HTTP
import TLS
import Transport

/// Turns a configuration into what the workers serve by; fails as a whole or not at all.
struct GenerationBuilder {
    let configuration: Configuration
    let number: Int
    let workers: Int
    let extensions: ExtensionHost
    let candidate: ExtensionHost.Candidate
    /// The log file in use, kept when the configuration still names it.
    let accessLog: AccessLogTarget?

    func build() throws(GatewayError) -> Generation {
        let stores = try Self.loadCertificates(of: configuration)
        let tables = (0..<workers).map { makeSiteTables(worker: $0) }
        var ports: [String: Generation.Port] = [:]
        for listener in configuration.listeners {
            let sites = tables.compactMap { $0[listener.name] }
            ports[listener.name] = Generation.Port(sites: sites, certificates: stores[listener.name])
        }
        return Generation(
            number: number, limits: ConnectionLimits(configuration.limits),
            handshakeTimeout: Delay(configuration.limits.handshakeTimeout), ports: ports, accessLog: accessLog)
    }

    /// The certificates of each TLS listener, by listener name.
    static func loadCertificates(of configuration: Configuration) throws(GatewayError) -> [String: CertificateStore] {
        var stores: [String: CertificateStore] = [:]
        for listener in configuration.listeners {
            guard let tls = listener.tls else { continue }
            var policy = TLSPolicy()
            policy.minimum = tls.minimumVersion == .tls13 ? .tls13 : .tls12
            policy.applicationProtocols = tls.applicationProtocols.map(\.rawValue)
            var sites: [(hosts: [String], context: TLSContext)] = []
            for site in configuration.sites where site.listen.contains(listener.name) && !site.certificates.isEmpty {
                let files = site.certificates.map { CertificateFiles(chain: $0.chain, key: $0.key) }
                do throws(TLSError) {
                    sites.append((site.hosts.map(\.text), try TLSContext(policy: policy, certificates: files)))
                } catch {
                    throw .configuration("site \(site.hosts.first?.text ?? "without hosts"): \(error.description)")
                }
            }
            guard !sites.isEmpty else {
                throw .configuration("listener \(listener.name): no site with certificates listens on it")
            }
            stores[listener.name] = CertificateStore(sites)
        }
        return stores
    }

    /// The sites of each listener as one worker serves them, by listener name.
    private func makeSiteTables(worker: Int) -> [String: SiteTable] {
        let sites = configuration.sites.enumerated().map { index, site in
            let routes = site.routes.map { route in
                (route.path, makeAction(route, of: site, number: index + 1, worker: worker))
            }
            return (site, RouteTable(routes))
        }
        var tables: [String: SiteTable] = [:]
        for listener in configuration.listeners {
            tables[listener.name] = SiteTable(
                sites.filter { $0.0.listen.contains(listener.name) }.map { ($0.0.hosts, $0.1) })
        }
        return tables
    }

    private func makeAction(
        _ route: RouteConfiguration, of site: SiteConfiguration, number: Int, worker: Int
    ) -> Action {
        switch route.action {
        case .respond(let response):
            RespondAction(
                FixedResponse(
                    status: response.status, fields: response.headers.map { ($0.name, $0.value) },
                    body: Array(response.body.utf8)))
        case .redirect(let redirect):
            RedirectAction(status: redirect.status, target: redirect.to)
        case .runExtension(let name):
            extensions.action(
                for: name, in: candidate, route: route.path, site: site, siteNumber: number, worker: worker)
        }
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
