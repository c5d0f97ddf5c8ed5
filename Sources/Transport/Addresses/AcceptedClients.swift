/// The clients from which something is accepted, by the address of their connection.
package enum AcceptedClients: Sendable, Equatable {
    case nobody, everybody
    case networks([IPNetwork])

    package func contain(_ address: @autoclosure () -> IPAddress?) -> Bool {
        switch self {
        case .nobody: false
        case .everybody: true
        case .networks(let networks): address().map(networks.contain) ?? false
        }
    }
}
