import HTTP
import Memory
import Transport

/// Routes one request by the tables that serve requests, and notes what they decide.
///
/// Used by its worker's thread only, until the connection has ended.
@safe
final class ExplainingRouter: RequestRouter, @unchecked Sendable {
    private let table: SiteTable
    private let hosts: HostTable
    private let probes: [SiteProbe]
    private let reached: ReachedAction
    private var noted = Findings()

    struct Findings: Sendable {
        /// The index of the site.
        var site: Int?
        /// The index of the route that has the request.
        var route: Int?
        /// Routes before it whose path fits the request, but not their conditions.
        var passedRoutes: [Int] = []
        var isReached = false
        var rejection: RequestRejection?
    }

    /// - Parameters:
    ///   - sites: those of one listener.
    ///   - rules: what the routes do before their actions.
    init(_ sites: [SiteConfiguration], _ rules: RouteRules) {
        let reached = ReachedAction()
        self.reached = reached
        table = SiteTable(
            sites.map { site in
                let routes = site.routes.map { route in
                    (route, rules.applied(to: reached, of: route, on: site, logs: nil) { action, _ in action })
                }
                return SiteTable.Site(
                    hosts: site.hosts, tag: 0, clientCertificates: site.clientCertificates?.mode,
                    identity: site.identity, errorPages: nil, logs: nil,
                    filter: RouteFilter(site.responseRules, pool: rules.pool), routes: RouteTable(routes))
            })
        hosts = HostTable(sites.map(\.hosts))
        probes = sites.map { SiteProbe($0.routes) }
    }

    var findings: Findings {
        var findings = noted
        findings.isReached = reached.isReached
        return findings
    }

    func answer(_ exchange: Exchange) -> Disposition {
        noted.site = hosts.site(for: exchange.bytes(of: exchange.head.authority))
        if let site = noted.site, exchange.head.form != .asterisk {
            (noted.route, noted.passedRoutes) = exchange.withPath { probes[site].find(exchange, $0) }
        }
        return table.answer(exchange)
    }

    func answer(_ exchange: Exchange, passing passed: [any RequestHandler]) -> Disposition { answer(exchange) }

    var observesExchanges: Bool { false }

    func finished(_ exchange: Exchange) {}

    func switched(_ exchange: Exchange) -> (any SuccessionObserver)? { nil }

    func prepareRefusal(of exchange: Exchange) {}

    func rejected(_ rejection: RequestRejection, on connection: ClientConnection, as id: RequestID?) {
        noted.rejection = rejection
    }

    func cut(_ reason: StaticString, on connection: ClientConnection, as id: RequestID?) {}

    func ended(_ fault: HTTP2Fault, on connection: ClientConnection) {}
}

/// Stands for the action of every route.
private final class ReachedAction: Action {
    private(set) var isReached = false

    private let response = FixedResponse(status: 200, body: Array("answered\n".utf8))

    override func answer(_ exchange: Exchange) -> Disposition {
        isReached = true
        exchange.respond(response)
        return .answered
    }
}

/// The routes of a site one by one, to tell which of them has a request and which were passed over.
private struct SiteProbe {
    private struct Probe {
        /// A table of this route only.
        let whole: RouteTable
        /// The same without its conditions.
        let pathOnly: RouteTable
    }

    private let probes: [Probe]
    private let marker = Action()

    init(_ routes: [RouteConfiguration]) {
        probes = routes.map { [marker] route in
            var open = route
            open.pathRules = PathRules(allowsBackslash: true, allowsParameters: true)
            var pathOnly = open
            let expression = pathOnly.conditions.expression
            pathOnly.conditions = .none
            pathOnly.conditions.expression = expression
            return Probe(whole: RouteTable([(open, marker)]), pathOnly: RouteTable([(pathOnly, marker)]))
        }
    }

    func find(_ exchange: Exchange, _ path: ByteView) -> (route: Int?, passed: [Int]) {
        var passed: [Int] = []
        for index in probes.indices {
            if decides(probes[index].whole, exchange, path) { return (index, passed) }
            if decides(probes[index].pathOnly, exchange, path) { passed.append(index) }
        }
        return (nil, passed)
    }

    /// Whether the only route of a table has the request, or a later one must not.
    private func decides(_ table: RouteTable, _ exchange: Exchange, _ path: ByteView) -> Bool {
        let action = table.action(for: exchange, at: path, passing: [])
        return action?.with { $0 === marker || !($0 is RefusingAction) } ?? false
    }
}
