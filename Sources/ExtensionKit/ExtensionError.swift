/// Why a request could not be read or answered.
///
/// A handler need not catch it, nor any other error. An error that it throws ends the request: with status 413 for
/// ``bodyTooLong``, with 500 and a line in the server's log for any error of its own, and with a broken connection if
/// the response had begun, so that it does not look complete to the client.
///
/// ```swift
/// do {
///     try await body.write(row)
/// } catch ExtensionError.clientGone {
///     cursor.close()
///     throw ExtensionError.clientGone
/// }
/// ```
public enum ExtensionError: Error, Hashable, Sendable {
    /// The client has disconnected, or its time has expired; no response can be sent.
    case clientGone
    /// The body is longer than the handler allows.
    case bodyTooLong
    /// The server has refused a call, for a reason with this Win32 number.
    case refused(UInt32)

    init(number: UInt32) {
        switch number {
        // ERROR_NETNAME_DELETED, ERROR_OPERATION_ABORTED, WSAECONNRESET
        case 64, 995, 10054: self = .clientGone
        default: self = .refused(number)
        }
    }
}
