import Glibc
import HTTP
import Transport

/// Why a server gave no response, or only a part of one.
package enum ProxyFailure: Error, Equatable, Sendable {
    /// No server may be asked: none is available, or none has an address.
    case noServer
    /// Every server that may be asked is busy: too many requests wait for one, or this one did for too long.
    case queueFull, queueTimeout
    case connectFailed(TransportFailure)
    case connectTimeout
    /// TLS could not be agreed on; in OpenSSL's words.
    case handshakeFailed(String)
    case sendFailed, sendTimeout
    /// The server closed or reset before the response's head was complete.
    case closedBeforeResponse
    case responseTimeout
    /// The server closed or reset before the response was complete.
    case closedInBody
    case readTimeout
    case requestTimeout
    /// The request or the response could not be held as a whole: an error number of the system.
    case requestNotHeld(Int32), responseNotHeld(Int32)
    /// The response is larger than may be held.
    case responseTooLarge
    case refused(ResponseRejection)

    /// The status of the answer (RFC 9110 §15.6).
    package var status: Int {
        switch self {
        case .noServer, .queueFull, .queueTimeout: 503
        case .requestNotHeld: 507
        case .connectTimeout, .sendTimeout, .responseTimeout, .readTimeout, .requestTimeout: 504
        default: 502
        }
    }

    /// The name of the failure, for logs; the same for all failures of a kind.
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

    /// What more is known, for the error log.
    package var detail: String? {
        switch self {
        case .connectFailed(let failure): failure.message
        case .handshakeFailed(let text): text
        case .requestNotHeld(let code), .responseNotHeld(let code): systemText(code)
        default: nil
        }
    }

    /// How far an attempt to connect came before it failed: of several, the one that came furthest says most.
    var connectProgress: Int {
        switch self {
        case .handshakeFailed: 4
        case .connectFailed(.system(let code)) where Self.localErrors.contains(code): 1
        case .connectFailed: 3
        case .connectTimeout: 2
        default: 0
        }
    }

    /// Nothing has left this machine: there is no way to such an address from here.
    private static let localErrors: Set<Int32> = [
        ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, ENETDOWN, EACCES, EPERM, EINVAL,
    ]

    /// Whether the server has seen nothing of the request.
    var isBeforeSending: Bool {
        switch self {
        case .noServer, .queueFull, .queueTimeout, .connectFailed, .connectTimeout, .handshakeFailed: true
        default: false
        }
    }

    /// Whether it says something about the server that was asked, and not only about the request.
    var speaksAgainstServer: Bool {
        switch self {
        case .noServer, .queueFull, .queueTimeout, .requestTimeout, .requestNotHeld, .responseNotHeld,
            .responseTooLarge:
            false
        default: true
        }
    }

    /// Whether the connection broke without a byte of a response, as one does that the server closed while it was idle.
    var isBreak: Bool { self == .sendFailed || self == .closedBeforeResponse }
}

/// Why forwarding a request ended early: on one side or the other.
enum ForwardingFailure: Error {
    case upstream(ProxyFailure)
    case client(ExchangeFailure)
}

/// Told what servers do wrong, on the worker that noticed.
package protocol ProxyReporter: AnyObject {
    /// - Parameter request: the client's request that it happened to.
    func report(_ failure: ProxyFailure, upstream: String, server: String?, request: RequestID)

    /// The server is left out for a time, because requests to it failed.
    func ejected(_ server: String, upstream: String)

    /// Checks have found the server well again, or no longer.
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
