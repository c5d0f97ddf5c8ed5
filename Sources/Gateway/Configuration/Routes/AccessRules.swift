import Transport

/// Who may use a route.
package struct AccessRules: Sendable, Equatable {
    /// Nil to allow every address that is not denied.
    package var allow: [IPNetwork]?
    package var deny: [IPNetwork] = []
    package var basic: BasicAuthentication?

    package var isOpen: Bool { allow == nil && deny.isEmpty && basic == nil }

    /// Whether a client with this address is admitted; a client without a known address matches no network.
    package func admit(_ address: IPAddress?) -> Bool {
        guard let address else { return allow == nil }
        return !deny.contain(address) && (allow?.contain(address) ?? true)
    }

    /// The rules of a route on a site with these rules: the route's own settings replace the site's.
    package func overridden(by route: AccessOverrides) -> AccessRules {
        var rules = self
        if route.allow != nil || route.deny != nil {
            rules.allow = route.allow
            rules.deny = route.deny ?? []
        }
        switch route.basic {
        case nil: break
        case .off: rules.basic = nil
        case .on(let basic): rules.basic = basic
        }
        return rules
    }
}

/// The access settings of a site or a route.
package struct AccessOverrides: Sendable, Equatable {
    package var allow: [IPNetwork]?
    package var deny: [IPNetwork]?
    package var basic: Setting?

    package enum Setting: Sendable, Equatable {
        case off
        case on(BasicAuthentication)
    }

    package init() {}
}

/// Users with passwords (RFC 7617).
package struct BasicAuthentication: Sendable, Equatable {
    package var realm: String
    /// The absolute path of a file as `htpasswd` writes it.
    package var users: String
}
