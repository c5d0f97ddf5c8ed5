/// The names that sites may refer to.
struct DeclaredNames {
    var listeners: NamedValues<ListenerDraft>
    var extensions: [String]
    var upstreams: [String] = []
    var logs: [String] = []
    /// Engines of shared limits.
    var shared: [String] = []
    var acme = NamedValues<AcmeConfiguration>()

    func usesTLS(_ listener: String) -> Bool {
        listeners.values.contains { $0.value.name == listener && $0.value.tls != nil }
    }
}

/// A site and the positions of its hosts.
struct SiteDraft {
    var configuration: SiteConfiguration
    var hosts: [Located<HostPattern>]
}

extension ValueDecoder<SiteDraft> {
    static func site(_ declared: DeclaredNames) -> Self {
        .mapping { keys in
            let hosts = keys.require("hosts", .list("hosts", of: .located(.host)), placeholder: [])
            let listen = keys.take("listen", .list("listeners", of: .located(.string)))
            let entries = keys.take("certificates", .list("certificates", of: .certificateEntry), default: [])
            let tls = keys.take("tls", .siteTLS, default: TLSSettings())
            let clientCertificates = keys.take("client_certificates", .clientCertificates)
            let root = keys.take("root", .folder, default: keys.context.folder)
            let access = keys.takeAccess()
            let logs = keys.take("log", .chosenLogs(declared))
            let errorPages = keys.take("error_pages", .errorPages, default: [])
            let responseRules = keys.takeResponseRules()
            let routes = keys.require("routes", .list("routes", of: .route(declared)), placeholder: [])

            // Mistakes in certificates have been reported; only a site that names none lacks them.
            let hasCertificates = keys.names.contains("certificates")
            reportUnreachable(routes, in: keys.context)
            reportUnansweredErrorPages(errorPages, routes.map(\.value), keys)
            if let listen {
                checkListeners(listen, hasCertificates: hasCertificates, declared, keys.context)
            }
            for key in ["tls", "client_certificates"] where keys.names.contains(key) && !hasCertificates {
                keys.context.report(
                    "\(key) needs certificates on this site", at: keys.position(of: key) ?? keys.position)
            }
            let names = listen?.map(\.value) ?? defaultListeners(hasCertificates: hasCertificates, declared)
            if names.isEmpty, !declared.listeners.names.isEmpty, listen == nil {
                keys.context.report("every listener uses TLS: this site needs certificates", at: keys.position)
            }
            let certificates = AcmeResolution(issuers: declared.acme, context: keys.context).certificates(
                entries, of: hosts, listen: names, declared)
            let configuration = SiteConfiguration(
                hosts: hosts.map(\.value), listen: names, certificates: certificates, tls: tls,
                clientCertificates: clientCertificates, root: root, errorPages: errorPages, access: access,
                logs: logs, responseRules: responseRules, routes: routes.map(\.value))
            return SiteDraft(configuration: configuration, hosts: hosts)
        }
    }
}

extension ValueDecoder<HostPattern> {
    fileprivate static var host: Self {
        text("a host name, an IP address, \"*.\" and a domain, or \"*\"") { text throws(Refusal) in
            if text == "*" { return .any }
            let host = text.lowercased()
            if host.hasPrefix("*.") {
                return isDomainName(host.dropFirst(2)) ? .wildcard(suffix: String(host.dropFirst())) : nil
            }
            if host.hasPrefix("["), host.hasSuffix("]") {
                return canonicalAddress(String(host.dropFirst().dropLast()), .ipv6).map { .exact("[\($0)]") }
            }
            if host.contains(":") {
                throw Refusal(
                    message: "a host carries no port, and an IPv6 address stands in brackets; found \(quoted(text))")
            }
            return isDomainName(host[...]) ? .exact(host) : nil
        }
    }
}

/// Labels of letters, digits, hyphens and underscores, 63 characters at most, 253 in all (RFC 1123 §2.1).
func isDomainName(_ text: Substring) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 253 else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }
}

/// Without `listen`, a site is served by every possible listener: a TLS listener needs certificates.
private func defaultListeners(hasCertificates: Bool, _ declared: DeclaredNames) -> [String] {
    declared.listeners.names.filter { hasCertificates || !declared.usesTLS($0) }
}

private func checkListeners(
    _ listen: [Located<String>], hasCertificates: Bool, _ declared: DeclaredNames, _ context: DecodingContext
) {
    var seen = Set<String>()
    for listener in listen {
        let name = listener.value
        if !declared.listeners.names.contains(name) {
            context.report(
                "unknown listener \(quoted(name))", at: listener.position,
                suggestion: nearestName(to: name, among: declared.listeners.names))
        } else if !seen.insert(name).inserted {
            context.report("listener \(quoted(name)) is given twice", at: listener.position)
        } else if declared.usesTLS(name), !hasCertificates {
            context.report(
                "listener \(quoted(name)) uses TLS: this site needs certificates", at: listener.position)
        }
    }
}

private func reportUnreachable(_ routes: [Located<RouteConfiguration>], in context: DecodingContext) {
    var earlier: [PathPattern: [RouteConfiguration]] = [:]
    for route in routes {
        let path = route.value.path
        let hiding = path.coveringPatterns.lazy.flatMap { earlier[$0] ?? [] }.first { route.value.isHidden(by: $0) }
        if let hiding {
            let requests =
                route.value.conditions == .none ? "matches" : "has no more conditions than this one and matches"
            context.report(
                "this route is never reached: the route on line \(hiding.line) \(requests) "
                    + "\(quoted(path.description)) first",
                at: route.position)
        } else {
            earlier[path, default: []].append(route.value)
        }
    }
}

extension PathPattern {
    /// Every pattern that covers this one: itself, and a prefix for each of its slashes.
    fileprivate var coveringPatterns: [PathPattern] {
        let path =
            switch self {
            case .exact(let path), .prefix(let path), .script(let path, _): path
            }
        let prefixes = path.utf8.indices.filter { path.utf8[$0] == UInt8(ascii: "/") }
            .map { PathPattern.prefix(String(path[...$0])) }
        return [self] + prefixes
    }
}

/// Reports every host that two sites, or one site twice, claim on the same listener.
func reportSharedHosts(of sites: [SiteDraft], in context: DecodingContext) {
    struct Claim: Hashable {
        var listener: String
        var host: HostPattern
    }
    var first: [Claim: SourcePosition] = [:]
    for site in sites {
        var reported = Set<SourcePosition>()
        for host in site.hosts {
            for listener in Set(site.configuration.listen).sorted() {
                let claim = Claim(listener: listener, host: host.value)
                guard let earlier = first[claim] else {
                    first[claim] = host.position
                    continue
                }
                guard reported.insert(host.position).inserted else { continue }
                context.report(
                    "host \(quoted(host.value.description)) is already served on listener \(quoted(listener)), "
                        + "see line \(earlier.line)",
                    at: host.position)
            }
        }
    }
}

extension HostPattern: CustomStringConvertible {
    /// The pattern as the file writes it.
    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let host): host
        case .wildcard(let suffix): "*" + suffix
        }
    }
}
