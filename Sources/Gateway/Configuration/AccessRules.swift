import Transport

/// Who may use a route.
package struct AccessRules: Sendable, Equatable {
    /// Nil for everybody who is not denied.
    package var allow: [IPNetwork]?
    package var deny: [IPNetwork] = []
    package var basic: BasicAuthentication?

    package var isOpen: Bool { allow == nil && deny.isEmpty && basic == nil }

    /// Whether a client with this address may go on; one whose address is not known is nowhere allowed or denied.
    package func admit(_ address: IPAddress?) -> Bool {
        guard let address else { return allow == nil }
        return !deny.contain(address) && (allow?.contain(address) ?? true)
    }

    /// The rules of a route on a site with these: what the route has counts in place of the site's.
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

/// What a site or a route says about access.
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
