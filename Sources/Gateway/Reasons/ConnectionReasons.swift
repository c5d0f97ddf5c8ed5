import Transport

extension ReasonCatalogue {
    /// Reasons for which a connection is closed before its first request, and handshakes fail.
    static var ofConnections: [Reason] { refusedConnections + ProxyProtocolRejection.reasons + handshakes }

    private static let refusedConnections: [Reason] = [
        Reason(
            .connectionRefused, "max_connections (*) reached",
            Explanation(
                "max_connections", .gateway, "As many connections are open as limits.max_connections allows.",
                "Look at isagate status for who holds them; raise limits.max_connections, or lower client_connections.")
        ),
        Reason(
            .connectionRefused, "too many connections of one client (client_connections *)",
            Explanation(
                "client_connections", .client,
                "The client's address has as many connections as limits.client_connections.",
                "Raise the limit if many users share the address; name the proxy in trusted.from if it is one.")),
        Reason(
            .connectionRefused, "too many handshakes of one client (client_handshakes *)",
            Explanation(
                "client_handshakes", .client, "The client's address makes new TLS connections more often than it may.",
                "Have the client keep its connections; raise limits.client_handshakes if many users share the address.")
        ),
        Reason(
            .connectionRefused, "not a proxy whose PROXY protocol header is believed",
            Explanation(
                "proxy_not_believed", .operation, "The peer is not in proxy_protocol.from of this listener.",
                "Add the proxy's address there, or have clients connect to another listener.")),
        Reason(
            .connectionRefused, "PROXY protocol header not received in time",
            Explanation(
                "proxy_header_timeout", .operation, "The proxy sent no PROXY protocol header in time.",
                "Switch the PROXY protocol on in the proxy, or off for this listener.")),
        Reason(
            .connectionRefused, "connection ended within the PROXY protocol header",
            Explanation(
                "proxy_header_cut", .upstream,
                "The proxy closed the connection before its PROXY protocol header was complete.",
                "Health checks of proxies do this; nothing has to be done for those.")),
        Reason(
            .connectionRefused, "cannot watch the connection: *",
            Explanation(
                "connection_not_watched", .gateway, "The system has no memory or watches left for another connection.",
                "Raise fs.epoll.max_user_watches, or lower limits.max_connections.")),
        Reason(
            .connectionRefused, "accept: *",
            Explanation(
                "accept_failed", .gateway,
                "The system could not give the gateway a connection, usually for lack of descriptors.",
                "Raise LimitNOFILE of the unit, or the descriptors of the whole machine (fs.file-max).")),
    ]

    private static let handshakes: [Reason] = [
        Reason(
            .handshakeFailed, "certificate not issued yet",
            Explanation(
                "certificate_not_issued_yet", .operation,
                "The name waits for its first certificate, with start: wait of its issuer.",
                "Wait a minute; acme_failing in isagate status tells why if it lasts.")),
        Reason(
            .handshakeFailed, "http request",
            Explanation(
                "http_on_tls_port", .client,
                "Plain HTTP came to a listener with TLS; it is answered with a link to https.",
                "Correct the link to https://, or redirect from a listener on port 80.")),
        Reason(
            .handshakeFailed, "connection closed during handshake",
            Explanation(
                "tls_closed", .client, "The client closed the connection before the handshake was complete.",
                "Port checks do this. From real clients it often means that they do not trust the certificate.")),
        Reason(
            .handshakeFailed, "connection reset during handshake",
            Explanation(
                "tls_reset", .client, "The client, or a machine in between, reset the connection during the handshake.",
                "Port checks do this. From real clients look for a firewall in between.")),
        Reason(
            .handshakeFailed, "handshake not finished in time",
            Explanation(
                "tls_timeout", .client, "The handshake was not complete within limits.handshake_timeout.",
                "Usually a lost or idle connection. If real clients are affected, raise limits.handshake_timeout.")),
        Reason(
            .handshakeFailed, "gateway stopped",
            Explanation(
                "gateway_stopped", .gateway, "The gateway ended and did not wait any longer.",
                "Nothing; raise drain.grace if requests need more time to finish.")),
        Reason(
            .handshakeFailed, "no server name",
            Explanation(
                "no_server_name", .client, "The client names no host, and no site answers such clients.",
                "Add a site with hosts: \"*\", or have the client send the server name (SNI).")),
        Reason(
            .handshakeFailed, "unknown server name",
            Explanation(
                "unknown_server_name", .client, "No site of this listener has the host that the client names.",
                "Add the host to a site with a certificate for it. For hosts of others it is a scanner.")),
        Reason(
            .handshakeFailed, "malformed server name",
            .malformed("malformed_server_name", "The server name is damaged.")),
        Reason(
            .handshakeFailed, "invalid server name",
            .malformed("invalid_server_name", "The server name is not the name of a host.")),
        Reason(
            .handshakeFailed, "server name changed between hellos",
            .malformed("server_name_changed", "The client named another host when it was asked to begin again.")),
        Reason(
            .handshakeFailed, "no shared cipher",
            otherTexts: ["no suitable signature algorithm", "no suitable key share", "no shared groups"],
            Explanation(
                "tls_nothing_shared", .client, "Client and gateway have no cipher, group or signature in common.",
                "Update the client; or add an RSA certificate, or ciphers in tls, for old ones.")),
        Reason(
            .handshakeFailed, "unsupported protocol", otherTexts: ["version too low", "wrong version number"],
            Explanation(
                "tls_version", .client, "The client offers no version of TLS that tls.min and tls.max allow.",
                "Update the client; TLS 1.0 and 1.1 are not secure.")),
        Reason(
            .handshakeFailed, "no application protocol",
            Explanation(
                "tls_no_application_protocol", .client, "The client offers only protocols that are not in tls.alpn.",
                "Add the protocol to tls.alpn, or correct the client.")),
        Reason(
            .handshakeFailed, "* alert unknown ca",
            otherTexts: ["* alert bad certificate", "* alert certificate unknown", "* alert certificate expired"],
            Explanation(
                "tls_certificate_refused", .operation, "The client does not trust the certificate that it was shown.",
                "Check the chain with isagate check and openssl s_client; install the authority on the client.")),
        Reason(
            .handshakeFailed, "peer did not return a certificate",
            Explanation(
                "tls_no_client_certificate", .client,
                "The site requires a client certificate, and the client showed none.",
                "Install a certificate on the client, or set client_certificates.mode to request.")),
        Reason(
            .handshakeFailed, "certificate verify failed",
            Explanation(
                "tls_client_certificate_refused", .client,
                "The client's certificate has expired, is revoked, or none of client_certificates.ca has issued it.",
                "Renew the certificate, or add its authority to client_certificates.ca.")),
        Reason(
            .handshakeFailed, "*",
            Explanation(
                "tls_failed", .client, "OpenSSL ended the handshake for the reason that the log has.",
                "From unknown addresses it is usually a scanner. Otherwise repeat it with openssl s_client -connect.")),
    ]
}

extension ProxyProtocolRejection {
    fileprivate static var reasons: [Reason] {
        allCases.map { Reason(.connectionRefused, "\($0.reason)", $0.explanation) }
    }

    private var explanation: Explanation {
        switch self {
        case .noHeader:
            Explanation(
                "no_proxy_header", .operation, "The connection does not begin with a PROXY protocol header.",
                "Switch the PROXY protocol on in the proxy, or off for this listener.")
        case .invalidLine: .malformedHeader("proxy_header_invalid_line", "The line of version 1 is invalid.")
        case .lineTooLong: .malformedHeader("proxy_header_line_too_long", "The line of version 1 has no end.")
        case .unsupportedVersion: .malformedHeader("proxy_header_version", "The header is neither of version 1 nor 2.")
        case .unsupportedCommand: .malformedHeader("proxy_header_command", "The header has an unknown command.")
        case .unsupportedFamily:
            .malformedHeader("proxy_header_family", "The header has addresses of neither IPv4 nor IPv6.")
        case .headerTooLong: .malformedHeader("proxy_header_too_long", "The header has more than 4096 bytes.")
        case .addressesCutOff: .malformedHeader("proxy_header_cut_off", "The header ends before its addresses do.")
        case .invalidTLV: .malformedHeader("proxy_header_invalid_tlv", "An additional value of the header is invalid.")
        case .wrongChecksum: .malformedHeader("proxy_header_checksum", "The checksum of the header is wrong.")
        }
    }
}

extension Explanation {
    fileprivate static func malformedHeader(_ code: String, _ meaning: String) -> Self {
        Self(code, .upstream, meaning, "Correct or update the proxy; the header is described in proxy-protocol.txt.")
    }
}
