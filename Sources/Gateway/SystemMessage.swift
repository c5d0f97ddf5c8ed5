import Glibc
import Transport

/// The system's text for an error number, and the number.
func systemMessage(_ code: Int32) -> String {
    "\(systemText(code)) (errno \(code))"
}

extension TransportFailure {
    var message: String {
        switch self {
        case .reset: "connection reset"
        case .protocolViolation: "protocol violation"
        case .contentLost: "a file became shorter"
        case .system(let code): systemMessage(code)
        }
    }
}
