import COpenSSL

/// Which certificates answer for which server name on one listener; immutable once built.
///
/// Names are looked up exactly, then as a wildcard of one label (RFC 6125 §6.4.3), then the listener's default answers,
/// also for clients that send no name.
@safe
package final class CertificateStore: @unchecked Sendable {
    private let exact: [String: TLSContext]
    /// Keyed by what follows `*.`.
    private let wildcard: [String: TLSContext]
    /// The context a handshake starts with.
    package let fallback: TLSContext

    /// - Parameter sites: host patterns and their context, in order; the first is the default.
    package init(_ sites: [(hosts: [String], context: TLSContext)]) {
        precondition(!sites.isEmpty, "a TLS listener has at least one site with certificates")
        var exact: [String: TLSContext] = [:]
        var wildcard: [String: TLSContext] = [:]
        for site in sites {
            for host in site.hosts {
                let name = host.lowercased()
                if name.hasPrefix("*.") {
                    wildcard[String(name.dropFirst(2))] = wildcard[String(name.dropFirst(2))] ?? site.context
                } else if name != "*" {
                    exact[name] = exact[name] ?? site.context
                }
            }
        }
        self.exact = exact
        self.wildcard = wildcard
        fallback = sites.first { $0.hosts.contains("*") }?.context ?? sites[0].context
        let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe COpenSSL_CTX_set_servername_callback(fallback.pointer, selectByServerName, reference)
    }

    /// The context for a name as the client sent it.
    package func context(for serverName: String) -> TLSContext {
        let name = serverName.lowercased()
        if let context = exact[name] { return context }
        if let dot = name.firstIndex(of: "."), let context = wildcard[String(name[name.index(after: dot)...])] {
            return context
        }
        return fallback
    }
}

private let selectByServerName:
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = {
        session, _, argument in
        guard let name = unsafe SSL_get_servername(session, COpenSSL_TLSEXT_NAMETYPE_host_name) else {
            return SSL_TLSEXT_ERR_NOACK
        }
        let store = unsafe Unmanaged<CertificateStore>.fromOpaque(argument!).takeUnretainedValue()
        let context = unsafe store.context(for: String(cString: name))
        if context !== store.fallback { unsafe COpenSSL_set_context(session, context.pointer) }
        return SSL_TLSEXT_ERR_OK
    }
