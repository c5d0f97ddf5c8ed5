import Compression
import HTTP
import TLS
import Transport

/// Finds out what a configuration does with a request: by the code that serves requests, in this process.
package struct RequestExplainer {
    private let configuration: Configuration
    private let places: ConfigurationPlaces
    private let file: String
    /// How many sites the file has; the admin listener's is behind them.
    private let siteCount: Int

    package init(_ source: ConfigurationSource) {
        configuration = source.configuration
        places = ConfigurationPlaces(source.text)
        file = source.file
        siteCount = places.count(at: [.key("sites")])
    }

    package func explain(_ question: RequestQuestion) -> RequestExplanation {
        var explanation = RequestExplanation(file: file)
        guard let listener = listener(for: question, &explanation) else { return explanation }
        let sites = configuration.sites.enumerated().filter { $0.element.listen.contains(listener.name) }
        var security: SecurityDescription?
        if listener.tls != nil {
            security = handshake(question, listener, sites, &explanation)
            if explanation.refusal != nil { return explanation }
        } else if question.url.isSecure {
            refuse(&explanation, .requestRefused, "TLS handshake in place of a request", status: 400)
            return explanation
        }
        if listener.proxies != nil {
            explanation.notes.append(
                "proxy_protocol: the connection has to come from a proxy, with a header for this client")
        }
        let router = ExplainingRouter(sites.map(\.element), rules(&explanation))
        let connection = ExplainedConnection(
            security: security, client: question.client, limits: limits,
            trustedProxies: listener.trusted.map(TrustedProxies.init))
        guard let response = connection.answer(question.bytes, router) else {
            explanation.refusal = .init(status: nil, text: "the system refuses a socket or a thread")
            return explanation
        }
        let findings = router.findings
        if let site = findings.site { describe(findings, site: sites[site], &explanation) }
        if !findings.isReached { conclude(findings, ResponseSummary(response), &explanation) }
        return explanation
    }

    // MARK: The connection

    private func listener(
        for question: RequestQuestion, _ explanation: inout RequestExplanation
    ) -> ListenerConfiguration? {
        let (url, port) = (question.url, question.url.effectivePort)
        func describe(_ listener: ListenerConfiguration) -> ListenerConfiguration {
            let addresses = listener.bind.map(\.description).joined(separator: " ")
            let isAdmin = configuration.admin.isListening && listener.name == AdminConfiguration.listenerName
            let path: [ConfigurationPlaces.Step] =
                isAdmin ? [.key("admin")] : [.key("listeners"), .key(listener.name)]
            add(.listener, "\(listener.name), \(addresses)\(listener.tls == nil ? "" : ", TLS")", path, &explanation)
            return listener
        }
        if let name = question.listener {
            if let listener = configuration.listeners.first(where: { $0.name == name }) { return describe(listener) }
            let known = configuration.listeners.map(\.name).joined(separator: ", ")
            explanation.refusal = .init(status: nil, text: "there is no listener \(quoted(name)); there are \(known)")
            return nil
        }
        if let listener = configuration.listeners.first(where: { $0.bind.contains { $0.port == port } }) {
            return describe(listener)
        }
        let sameScheme = configuration.listeners.filter { ($0.tls != nil) == url.isSecure }
        if url.port == nil, sameScheme.count == 1, let only = sameScheme.first {
            explanation.notes.append(
                "no listener has port \(port); this is the only one for \(url.isSecure ? "https" : "http")")
            return describe(only)
        }
        let names = configuration.listeners.map { "\($0.name) (\($0.bind.map(\.description).joined(separator: " ")))" }
        explanation.refusal = .init(
            status: nil, text: "no listener has port \(port); there are \(names.joined(separator: ", "))")
        return nil
    }

    private func handshake(
        _ question: RequestQuestion, _ listener: ListenerConfiguration,
        _ sites: [(offset: Int, element: SiteConfiguration)], _ explanation: inout RequestExplanation
    ) -> SecurityDescription? {
        guard question.url.isSecure else {
            refuse(&explanation, .handshakeFailed, "http request", status: 400)
            return nil
        }
        let name = question.url.serverName
        var served = configuration
        served.listeners = [listener]
        let store: CertificateStore?
        do throws(GatewayError) {
            store = try GenerationBuilder.loadCertificates(of: served).stores[listener.name]
        } catch {
            explanation.notes.append("the certificates cannot be used: \(error.message)")
            let host = name ?? ""
            let index = host.withBytes { HostTable(sites.map(\.element.hosts)).site(for: $0) }
            return .assumed(serverName: name, site: index.map { sites[$0].element.hosts.first?.description ?? "*" })
        }
        guard let choice = store?.choice(for: name) else {
            refuse(&explanation, .handshakeFailed, name == nil ? "no server name" : "unknown server name", status: nil)
            return nil
        }
        if let site = sites.first(where: { $0.element.hosts.first?.description == choice.site }) {
            for (index, certificate) in site.element.certificates.enumerated()
            where choice.chains.contains(certificate.chain) {
                let path = [.key("certificates"), .index(index)] as [ConfigurationPlaces.Step]
                add(.certificate, certificate.chain, place(ofSite: site.offset) + path, &explanation)
            }
        }
        return .assumed(serverName: name, site: choice.site)
    }

    private var limits: ConnectionLimits {
        var limits = ConnectionLimits(configuration.limits)
        limits.maximumBody = UInt64(configuration.largestRequestBody)
        return limits
    }

    private func rules(_ explanation: inout RequestExplanation) -> RouteRules {
        var passwords: [String: PasswordFile] = [:]
        do throws(GatewayError) {
            passwords = try PasswordFileReader().read(configuration.sites)
        } catch {
            explanation.notes.append("passwords are not checked: \(error.message)")
        }
        let identities = configuration.sites.flatMap { site in site.routes.compactMap { $0.limiterIdentity(in: site) } }
        return RouteRules(
            largestBody: configuration.largestRequestBody, usualBody: configuration.limits.requestBody,
            limiters: Dictionary(identities.map { ($0, RequestLimiter($0)) }) { first, _ in first },
            passwords: passwords, pool: CompressionPool(memoryLimit: configuration.limits.compressionMemory))
    }

    // MARK: The decision

    private func conclude(
        _ findings: ExplainingRouter.Findings, _ response: ResponseSummary, _ explanation: inout RequestExplanation
    ) {
        if let rejection = findings.rejection {
            return refuse(&explanation, .requestRefused, "\(rejection.reason)", status: rejection.status)
        }
        if findings.site != nil, findings.route == nil, response.status == 200 {
            return explanation.refusal = .init(
                status: 200, text: "OPTIONS * concerns the server and no path; the gateway answers it", code: nil)
        }
        refuse(&explanation, .answered, response.reason, status: response.status)
    }

    private func refuse(
        _ explanation: inout RequestExplanation, _ event: Reason.Event, _ text: String, status: Int?
    ) {
        let code = ReasonCatalogue.reason(for: text, event: event)?.code
        explanation.refusal = .init(status: status, text: text, code: code)
    }

    private func describe(
        _ findings: ExplainingRouter.Findings, site: (offset: Int, element: SiteConfiguration),
        _ explanation: inout RequestExplanation
    ) {
        let own = place(ofSite: site.offset)
        add(.site, site.element.hosts.map(\.description).joined(separator: " "), own, &explanation)
        func path(ofRoute index: Int) -> [ConfigurationPlaces.Step] {
            site.offset < siteCount ? own + [.key("routes"), .index(index)] : own
        }
        for index in findings.passedRoutes {
            let conditions = path(ofRoute: index) + [.key("when")]
            let when = places.node(at: conditions)?.flow() ?? ""
            add(.passedRoute, "\(site.element.routes[index].path), when \(when)", path(ofRoute: index), &explanation)
        }
        guard let index = findings.route else { return }
        let route = site.element.routes[index]
        var text = "\(route.path)"
        if let expression = route.conditions.expression { text += ", match \(expression)" }
        add(.route, text, path(ofRoute: index), &explanation)
        describeAction(route, path(ofRoute: index), &explanation)
        describeRules(route, path(ofRoute: index), ofSite: own, &explanation)
    }

    private static let actions = ["extension", "extensions_in", "respond", "redirect", "files", "proxy"]
    /// Rules that a route takes from its site unless it has its own.
    private static let inherited = [
        "allow", "deny", "basic_auth", "client_certificates", "compress", "headers", "hsts", "log",
    ]
    private static let ownRules = [
        "when", "limit", "forward_auth", "decode_request", "allow_backslash", "allow_path_parameters",
        "allow_path_info",
    ]
    private static let shownCharacters = 100

    private func describeAction(
        _ route: RouteConfiguration, _ path: [ConfigurationPlaces.Step], _ explanation: inout RequestExplanation
    ) {
        if case .administration(let page) = route.action {
            return add(.action, "admin page \(page.path)", path, &explanation)
        }
        for key in Self.actions where places.node(at: path + [.key(key)]) != nil {
            add(.action, shown(key, path), path + [.key(key)], &explanation)
        }
    }

    private func describeRules(
        _ route: RouteConfiguration, _ path: [ConfigurationPlaces.Step], ofSite site: [ConfigurationPlaces.Step],
        _ explanation: inout RequestExplanation
    ) {
        for key in Self.ownRules where places.node(at: path + [.key(key)]) != nil {
            add(.rule, shown(key, path), path + [.key(key)], &explanation)
        }
        let hasOwnNetworks = route.access.allow != nil || route.access.deny != nil
        for key in Self.inherited {
            let isOwn = places.node(at: path + [.key(key)]) != nil
            // Both lists of networks are replaced together.
            if !isOwn, hasOwnNetworks, key == "allow" || key == "deny" { continue }
            if !isOwn, key == "basic_auth", route.access.basic != nil { continue }
            let origin = isOwn ? path : site
            guard places.node(at: origin + [.key(key)]) != nil else { continue }
            add(.rule, shown(key, origin), origin + [.key(key)], &explanation)
        }
        let body = path + [.key("request_body")]
        let limit = route.requestBody ?? configuration.limits.requestBody
        let origin = places.node(at: body) == nil ? [.key("limits"), .key("request_body")] : body
        add(.limit, "request_body \(formatSize(limit))", origin, &explanation)
    }

    private func shown(_ key: String, _ path: [ConfigurationPlaces.Step]) -> String {
        let text = "\(key): \(places.node(at: path + [.key(key)])?.flow(key: key) ?? "")"
        return text.count > Self.shownCharacters ? text.prefix(Self.shownCharacters - 1) + "…" : text
    }

    private func place(ofSite index: Int) -> [ConfigurationPlaces.Step] {
        index < siteCount ? [.key("sites"), .index(index)] : [.key("admin")]
    }

    private func add(
        _ part: RequestExplanation.Step.Part, _ text: String, _ path: [ConfigurationPlaces.Step],
        _ explanation: inout RequestExplanation
    ) {
        explanation.steps.append(.init(part: part, text: text, line: places.line(of: path)))
    }
}

extension SecurityDescription {
    /// What is known without a handshake.
    fileprivate static func assumed(serverName: String?, site: String?) -> SecurityDescription {
        SecurityDescription(
            protocolName: "TLSv1.3", cipherName: "TLS_AES_128_GCM_SHA256", cipherBits: 128, groupName: nil,
            serverName: serverName, serverKeyBits: 0, serverSubject: "", serverIssuer: "", serverEndPoint: [],
            site: site, isResumed: false, clientCertificate: nil)
    }
}

/// Status and reason of a response of the gateway itself.
private struct ResponseSummary {
    let status: Int?
    /// The text behind the status in the content.
    let reason: String

    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
        let content = text.firstRange(of: "\r\n\r\n").map { text[$0.upperBound...] } ?? ""
        let line = content.prefix { !$0.isNewline }
        reason = line.firstRange(of: ": ").map { String(line[$0.upperBound...]) } ?? String(line)
    }
}
