import Glibc
import HTTP
import Transport

/// Why a server sent no response, or only a part of one.
package enum ProxyFailure: Error, Equatable, Sendable {
    /// No server is available, or none has an address.
    case noServer
    /// Every available server is busy: too many requests wait for one, or this one did for too long.
    case queueFull, queueTimeout
    case connectFailed(TransportFailure)
    case connectTimeout
    /// The TLS handshake failed, with OpenSSL's message.
    case handshakeFailed(String)
    case sendFailed, sendTimeout
    /// The server closed or reset the connection before the response's head was complete.
    case closedBeforeResponse
    case responseTimeout
    /// The server closed or reset the connection before the response was complete.
    case closedInBody
    case readTimeout
    case requestTimeout
    /// The request or the response could not be buffered: an error number of the system.
    case requestNotHeld(Int32), responseNotHeld(Int32)
    /// The response is larger than the limit of buffering.
    case responseTooLarge
    case refused(ResponseRejection)

    /// The status of the response to the client (RFC 9110 §15.6).
    package var status: Int {
        switch self {
        case .noServer, .queueFull, .queueTimeout: 503
        case .requestNotHeld: 507
        case .connectTimeout, .sendTimeout, .responseTimeout, .readTimeout, .requestTimeout: 504
        default: 502
        }
    }

    /// The name of the failure for logs; the same for all failures of a kind.
    package var reason: StaticString {
        switch self {
        case .noServer: "no server available"
        case .queueFull: "too many requests wait for a server"
        case .queueTimeout: "no server free in time"
        case .connectFailed: "connection to the server failed"
        case .connectTimeout: "connection to the server not made in time"
        case .handshakeFailed: "TLS handshake with the server failed"
        case .sendFailed: "server closed while the request was sent"
        case .sendTimeout: "server did not take the request in time"
        case .closedBeforeResponse: "server closed before its response"
        case .responseTimeout: "response head not received in time"
        case .closedInBody: "server closed inside its response"
        case .readTimeout: "response body not received in time"
        case .requestTimeout: "request not answered in time"
        case .requestNotHeld: "no room to hold the request"
        case .responseNotHeld: "no room to hold the response"
        case .responseTooLarge: "response larger than may be held"
        case .refused(let rejection): rejection.reason
        }
    }

    /// Further details, for the error log.
    package var detail: String? {
        switch self {
        case .connectFailed(let failure): failure.message
        case .handshakeFailed(let text): text
        case .requestNotHeld(let code), .responseNotHeld(let code): systemText(code)
        default: nil
        }
    }

    /// How far an attempt to connect came before it failed: of several failures, the one that came furthest is
    /// reported.
    var connectProgress: Int {
        switch self {
        case .handshakeFailed: 4
        case .connectFailed(.system(let code)) where Self.localErrors.contains(code): 1
        case .connectFailed: 3
        case .connectTimeout: 2
        default: 0
        }
    }

    /// Nothing has left this machine: it has no route to such an address.
    private static let localErrors: Set<Int32> = [
        ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, ENETDOWN, EACCES, EPERM, EINVAL,
    ]

    /// Whether the server has received nothing of the request.
    var isBeforeSending: Bool {
        switch self {
        case .noServer, .queueFull, .queueTimeout, .connectFailed, .connectTimeout, .handshakeFailed: true
        default: false
        }
    }

    /// Whether the failure is the server's, and not only the request's.
    var speaksAgainstServer: Bool {
        switch self {
        case .noServer, .queueFull, .queueTimeout, .requestTimeout, .requestNotHeld, .responseNotHeld,
            .responseTooLarge:
            false
        default: true
        }
    }

    /// Whether the connection broke without a byte of a response, as when the server closed it while it was idle.
    var isBreak: Bool { self == .sendFailed || self == .closedBeforeResponse }
}

/// Why forwarding a request ended early, on either side.
enum ForwardingFailure: Error {
    case upstream(ProxyFailure)
    case client(ExchangeFailure)
}

/// Receives reports about failures of servers, on the worker that noticed.
package protocol ProxyReporter: AnyObject {
    /// - Parameter request: the client's request that failed.
    func report(_ failure: ProxyFailure, upstream: String, server: String?, request: RequestID)

    /// The server is ejected for a time, because requests to it failed.
    func ejected(_ server: String, upstream: String)

    /// Checks have found the server healthy again, or no longer.
    func checked(_ server: String, upstream: String, _ outcome: CheckOutcome)
}

extension TransportFailure {
    var message: String {
        switch self {
        case .reset: "connection reset"
        case .protocolViolation: "not TLS, or ended without close_notify"
        case .contentLost: "a file became shorter"
        case .system(let code): systemText(code)
        }
    }
}
