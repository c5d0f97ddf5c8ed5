/// What is served under a set of host names.
package struct SiteConfiguration: Sendable, Equatable {
    package var hosts: [HostPattern]
    /// The names of the listeners that serve this site.
    package var listen: [String]
    package var certificates: [CertificateConfiguration] = []
    /// Settings that override the listener's.
    package var tls = TLSSettings()
    package var clientCertificates: ClientCertificateConfiguration?
    /// The folder that URL paths are mapped to, as an absolute path.
    package var root: String
    /// At most one for each status.
    package var errorPages: [ErrorPageConfiguration] = []
    /// Who may use the site's routes.
    package var access = AccessOverrides()
    /// The access logs for its requests, by name; nil for those that are used by default.
    package var logs: [String]?
    package var responseRules = ResponseRules()
    /// Matched in this order; the first that matches answers.
    package var routes: [RouteConfiguration]
}

/// The page that a site sends in place of the gateway's own for an error.
package struct ErrorPageConfiguration: Sendable, Equatable {
    /// From 400 to 599.
    package var status: Int
    /// From 1 to 999; nil for every sub-status without a page of its own.
    package var substatus: Int?
    package var source: Source

    package enum Source: Sendable, Equatable {
        /// The absolute path of the file with the content.
        case file(String)
        /// A path of the site, optionally with a query, whose route answers; and its line in the file.
        case route(String, line: Int)
    }
}

/// Which `Host` a site answers to; names are in lower case and have no port.
package enum HostPattern: Sendable, Hashable {
    /// Any host that no other site names.
    case any
    case exact(String)
    /// Any one label before this suffix, which begins with a dot, as in certificates: `.example.test` for `*.example.test`.
    case wildcard(suffix: String)
}

package struct RouteConfiguration: Sendable, Equatable {
    package var path: PathPattern
    package var conditions = RouteConditions.none
    package var limits: RouteLimits?
    /// Rules that override the site's.
    package var access = AccessOverrides()
    /// The access logs for its requests, by name; nil for those of the site.
    package var logs: [String]?
    /// The server that decides whether a request may be answered; nil for none.
    package var forwardAuth: ForwardAuthConfiguration?
    package var action: RouteAction
    /// Rules that override the site's.
    package var responseRules = ResponseRules()
    /// Bytes of a request body; nil for the value of `limits`.
    package var requestBody: Int?
    /// Decoded bytes for each byte of a coded request body; nil when it is not decoded.
    package var inflation: Int?
    package var pathRules = PathRules()
    /// The route's line in the file, for messages about it.
    package var line: Int
}

/// Characters in the paths of a route that upstream programs may interpret differently; percent-decoded.
package struct PathRules: Sendable, Hashable {
    /// A backslash, which some programs treat as a slash.
    package var allowsBackslash = false
    /// A semicolon, after which some programs parse a parameter and not a part of the name (RFC 3986 §3.3).
    package var allowsParameters = true
}

extension RouteConfiguration {
    /// Whether every request that matches this route is answered by the other one, which precedes it.
    ///
    /// An extension may pass a request to the routes after its own (HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR).
    func isHidden(by other: RouteConfiguration) -> Bool {
        switch other.action {
        case .runExtension, .extensionsIn: false
        case .respond, .redirect, .files, .proxy, .administration:
            other.path.covers(path) && other.conditions.cover(conditions)
        }
    }
}

/// Which request paths a route answers, compared byte by byte with the path without its query.
package enum PathPattern: Sendable, Hashable {
    case exact(String)
    /// Every path that begins with this string, which ends in a slash: `/x/` for `/x/*`.
    case prefix(String)
    /// Paths with this prefix in which a later segment ends with the suffix: `/x/` and `.dll` for `/x/*.dll`.
    case script(prefix: String, suffix: String)

    package func matches(_ path: String) -> Bool {
        switch self {
        case .exact(let exact): path.utf8.elementsEqual(exact.utf8)
        case .prefix(let prefix): path.utf8.starts(with: prefix.utf8)
        case .script(let prefix, let suffix):
            path.utf8.starts(with: prefix.utf8)
                && path.dropFirst(prefix.count).split(separator: "/").contains {
                    $0.hasSuffix(suffix) && $0.utf8.count > suffix.utf8.count
                }
        }
    }

    /// Whether every path the other pattern matches is matched by this one too.
    package func covers(_ other: PathPattern) -> Bool {
        switch other {
        case .exact(let path): matches(path)
        case .prefix(let path):
            switch self {
            case .exact, .script: false
            case .prefix(let prefix): path.utf8.starts(with: prefix.utf8)
            }
        case .script(let path, let suffix):
            switch self {
            case .exact: false
            case .prefix(let prefix): path.utf8.starts(with: prefix.utf8)
            case .script(let prefix, let own): path.utf8.starts(with: prefix.utf8) && suffix.hasSuffix(own)
            }
        }
    }
}

package enum RouteAction: Sendable, Equatable {
    /// Runs the extension of this name; PATH_INFO is the whole path, or the part after the extension's.
    case runExtension(String, wholePathInfo: Bool)
    case extensionsIn(ScriptFolderConfiguration)
    case respond(RespondConfiguration)
    case redirect(RedirectConfiguration)
    case files(FilesConfiguration)
    case proxy(ProxyConfiguration)
    /// On the admin listener only; no key of a file chooses it.
    case administration(AdminPage)
}

/// A folder whose libraries are extensions, each with the name of its file.
package struct ScriptFolderConfiguration: Sendable, Equatable {
    /// Absolute.
    package var path: String
    /// The names of files that may be run; nil for all with the suffix.
    package var allowed: Set<String>?
    package var load = ExtensionConfiguration.Load.firstRequest
    /// As of a named extension.
    package var idleUnload: Duration?
    /// The suffix of the names, from the route's path.
    package var suffix = ""
    /// Bytes of a request's path before the file's name, from the route's path.
    package var start = 0
}

/// A response that is the same for every request.
package struct RespondConfiguration: Sendable, Equatable {
    /// From 200 to 599.
    package var status = 200
    package var body = ""
    /// In file order, `Content-Type` among them; never a field that frames the message.
    package var headers: [Header] = []

    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String
    }
}

package struct RedirectConfiguration: Sendable, Equatable {
    package var to: RedirectTemplate
    /// 301, 302, 303, 307 or 308 (RFC 9110 §15.4).
    package var status = 308
}
