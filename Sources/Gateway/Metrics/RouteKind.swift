import Transport

/// What kind of action answers the requests of a route.
enum RouteKind: Int32, CaseIterable {
    /// No route answered.
    case none
    case isapi, proxy, files, respond, redirect

    /// The value of the label `route`.
    var label: String {
        switch self {
        case .none: "none"
        case .isapi: "extension"
        case .proxy: "proxy"
        case .files: "files"
        case .respond: "respond"
        case .redirect: "redirect"
        }
    }

    init(_ action: RouteAction) {
        self =
            switch action {
            case .runExtension, .extensionsIn: .isapi
            case .proxy: .proxy
            case .files: .files
            case .respond: .respond
            case .redirect: .redirect
            case .administration: .none
            }
    }
}

/// Which series a request is counted in: its site and the kind of its route, as the tag of its exchange.
enum RequestSeries {
    /// Of requests that no site answers, and of those that were refused before their site was known.
    static let unknownSite: Int32 = 0

    /// - Parameter kind: `.none` for requests that no route answers.
    static func tag(ofSite site: Int32, _ kind: RouteKind = .none) -> Int32 {
        site * Int32(RouteKind.allCases.count) + kind.rawValue
    }

    /// The number of the site of a tag.
    static func site(ofTag tag: Int32) -> Int32 { tag / Int32(RouteKind.allCases.count) }

    static func kind(ofTag tag: Int32) -> RouteKind {
        RouteKind(rawValue: tag % Int32(RouteKind.allCases.count)) ?? .none
    }
}

/// The numbers by which sites are counted: they stay the same over reloads, so that counts continue.
final class SiteNumbers {
    private var numbers: [String: Int32] = ["": RequestSeries.unknownSite]

    /// Sites with the same first host are counted as one.
    func number(of site: SiteConfiguration) -> Int32 {
        let label = site.metricsLabel
        if let known = numbers[label] { return known }
        let next = Int32(numbers.count)
        numbers[label] = next
        return next
    }

    /// The number of the sites with this label, if there ever was one.
    func number(ofLabel label: String) -> Int32? { numbers[label] }

    /// The labels of all sites since the start.
    var labels: [Int32: String] { Dictionary(uniqueKeysWithValues: numbers.map { ($0.value, $0.key) }) }
}

extension SiteConfiguration {
    /// The value of the label `site`: its first host.
    var metricsLabel: String { hosts.first?.description ?? "" }
}

/// What one generation counts; nil of it where nobody can ask.
struct MetricsPlan: Sendable, Equatable {
    /// Upper bounds of the buckets for times, ascending, in milliseconds.
    let buckets: [UInt64]
    /// The sites of the configuration by their number.
    let sites: [Int32: String]

    init?(_ configuration: Configuration, _ numbers: SiteNumbers) {
        guard configuration.admin.isListening else { return nil }
        buckets = configuration.admin.latencyBuckets.map { Delay($0).milliseconds }
        var sites = [RequestSeries.unknownSite: ""]
        for site in configuration.sites where site.listen != [AdminConfiguration.listenerName] {
            sites[numbers.number(of: site)] = site.metricsLabel
        }
        self.sites = sites
    }
}
