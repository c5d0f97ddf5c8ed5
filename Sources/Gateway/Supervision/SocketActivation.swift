import Glibc
import Transport

/// A listening socket the service manager opened (sd_listen_fds_with_names(3)).
struct ActivatedSocket {
    /// The name given by its unit: the listener that it belongs to.
    let name: String
    let socket: ListeningSocket

    var address: String { socket.address.description }

    /// Whether it is a socket that a listener needs; a port of 0 matches any.
    func matches(_ listener: String, _ wanted: BindAddress) -> Bool {
        guard name == listener else { return false }
        let address = socket.address
        return address.host == wanted.host && (wanted.port == 0 || address.port == wanted.port)
    }
}

/// The sockets passed by the service manager, as announced in the environment.
struct SocketActivation: Equatable {
    /// By position: the first name belongs to descriptor 3.
    let names: [String]

    static let firstDescriptor: Int32 = 3

    /// Reads `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`.
    ///
    /// - Returns: no names when the variables are for another process.
    /// - Throws: when the sockets are not all named.
    init(_ environment: (String) -> String?, pid: Int32) throws(GatewayError) {
        guard environment("LISTEN_PID") == String(pid), let count = environment("LISTEN_FDS").flatMap({ Int($0) }),
            count > 0
        else {
            names = []
            return
        }
        names = (environment("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
            .map(String.init)
        guard names.count == count else {
            throw .configuration("socket activation: \(count) sockets, but \(names.count) names in LISTEN_FDNAMES")
        }
    }

    /// Adopts the descriptors; once in the life of a process.
    func take() -> [ActivatedSocket] {
        names.enumerated().map { index, name in
            let descriptor = Self.firstDescriptor + Int32(index)
            setCloseOnExec(descriptor, true)
            setNonBlocking(descriptor)
            return ActivatedSocket(name: name, socket: ListeningSocket(Descriptor(adopting: descriptor)))
        }
    }
}
