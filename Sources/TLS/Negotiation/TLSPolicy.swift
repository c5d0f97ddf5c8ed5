/// The negotiation settings of a site: versions, ciphers, groups, protocols and whether sessions may be resumed.
package struct TLSPolicy: Hashable, Sendable {
    package enum Version: Int32, Comparable, Sendable {
        case tls12 = 0x0303
        case tls13 = 0x0304

        package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
    }

    /// A configuration that Mozilla recommends for servers (wiki.mozilla.org/Security/Server_Side_TLS, version 5.7).
    package enum Profile: String, CaseIterable, Sendable {
        /// TLS 1.3 only, for recent clients.
        case modern
        /// TLS 1.2 and 1.3, for all clients on the web.
        case intermediate
    }

    package var minimum: Version
    package var maximum = Version.tls13
    /// Cipher suites of TLS 1.2, in OpenSSL's names and separated by colons.
    package var ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
        + "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
    /// Cipher suites of TLS 1.3, separated by colons.
    package var suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// Key exchange groups, separated by colons; one with a question mark is used only if the library supports it.
    package var groups = "?X25519MLKEM768:X25519:P-256:P-384"
    /// Whether clients get session tickets, the only way to resume a session here.
    package var issuesTickets = true
    /// Protocol names offered by ALPN, the preferred one first (RFC 7301).
    package var applicationProtocols = ["h2", "http/1.1", "http/1.0"]

    package init(_ profile: Profile = .intermediate) {
        switch profile {
        case .modern: minimum = .tls13
        case .intermediate: minimum = .tls12
        }
    }

    /// The policy as text, the same for equal policies on every machine.
    var canonicalText: String {
        let settings = [String(minimum.rawValue), String(maximum.rawValue), ciphers, suites, groups]
        return (settings + [String(issuesTickets)] + applicationProtocols).joined(separator: " ")
    }
}
