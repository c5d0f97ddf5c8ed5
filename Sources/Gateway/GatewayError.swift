/// Why the gateway could not start.
package enum GatewayError: Error {
    /// Configuration or certificates are not usable (exit code 78).
    case configuration(String)
    /// The system refused something the configuration allows (exit code 1).
    case runtime(String)

    package var message: String {
        switch self {
        case .configuration(let text), .runtime(let text): text
        }
    }
}
