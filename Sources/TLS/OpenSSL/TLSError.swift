import COpenSSL

/// A failure of OpenSSL, from its error queue.
package struct TLSError: Error, Equatable, Sendable {
    /// The operation that failed, for the operator: `load certificate chain /etc/…/site.pem`.
    package let action: String
    /// OpenSSL's reason, such as `key values mismatch`.
    package let reason: String

    package var description: String { "\(action): \(reason)" }

    package init(action: String, reason: String) {
        self.action = action
        self.reason = reason
    }

    /// Takes the earliest error of the calling thread's queue and empties it.
    init(_ action: String) {
        let code = ERR_peek_error()
        self.init(action: action, reason: Self.reason(of: code))
        ERR_clear_error()
    }

    static func reason(of code: UInt) -> String {
        guard code != 0, let text = unsafe ERR_reason_error_string(code) else { return "unknown reason" }
        return unsafe String(cString: text)
    }
}
