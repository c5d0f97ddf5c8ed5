import Compression
import HTTP

/// Puts the rules of routes around their actions: logs, limits, access, and what is done with bodies and responses.
struct RouteRules {
    /// The largest body that any route accepts, to which connections are limited.
    let largestBody: Int
    /// The largest body of a route without a limit of its own.
    let usualBody: Int
    let limiters: [RequestLimiter.Identity: RequestLimiter]
    /// By the paths of their files.
    let passwords: [String: PasswordFile]
    let pool: CompressionPool
    /// Those of shared limits, of one worker, by name.
    var engines: [String: SharedEngineLink] = [:]

    /// - Parameters:
    ///   - asking: puts the question of `forward_auth` in front of an action.
    ///   - logs: the access logs of the route; nil for those used otherwise.
    func applied(
        to action: Action, of route: RouteConfiguration, on site: SiteConfiguration, logs: UInt32?,
        asking: (Action, ForwardAuthConfiguration) -> Action
    ) -> Action {
        let asked = route.forwardAuth.map { asking(action, $0) } ?? action
        let access = AccessRules().overridden(by: site.access).overridden(by: route.access)
        let users = access.basic.flatMap { passwords[$0.users] }
        let guarded = access.isOpen ? asked : AccessAction(access, users: users, action: asked)
        let limiter = route.limiterIdentity(in: site).flatMap { limiters[$0] }
        let limited: Action? = limiter.map { SharedLimitedAction(guarded, $0, engines) ?? LimitedAction(guarded, $0) }
        let ruled = ruled(limited ?? guarded, route, of: site)
        return logs.map { LoggedAction(ruled, logs: $0) } ?? ruled
    }

    private func ruled(_ action: Action, _ route: RouteConfiguration, of site: SiteConfiguration) -> Action {
        let filter = RouteFilter(site.responseRules.extended(by: route.responseRules), pool: pool)
        let limit = route.requestBody ?? usualBody
        let isOwnLimit = limit != largestBody
        guard filter != nil || isOwnLimit || route.inflation != nil else { return action }
        return RuledAction(
            action, filter: filter, bodyLimit: isOwnLimit ? UInt64(limit) : nil,
            inflation: route.inflation.map { UInt64($0) }, pool: pool)
    }
}

extension RouteConfiguration {
    /// Nil for a route without limits.
    func limiterIdentity(in site: SiteConfiguration) -> RequestLimiter.Identity? {
        limits.map { RequestLimiter.Identity(hosts: site.hosts, path: path, conditions: conditions, limits: $0) }
    }
}
