import CLinux

extension Endpoint {
    /// The bytes of the connection that the peer has acknowledged, and those that have come from it (tcp(7), TCP_INFO).
    ///
    /// Nil where the system does not tell.
    package var progress: (acknowledged: UInt64, received: UInt64)? {
        var acknowledged: UInt64 = 0
        var received: UInt64 = 0
        guard unsafe CLinux_tcp_progress(descriptor, &acknowledged, &received) == 0 else { return nil }
        return (acknowledged, received)
    }
}
