import Glibc
import Logging
import Transport

/// The listening sockets of a configuration, each address bound once per worker and kept open until it is no longer
/// configured.
///
/// Clients of an address therefore wait in its accept queue while no gateway serves it, instead of being refused.
final class ListenerBinder {
    /// Identifies a socket across configurations.
    ///
    /// An address with a port does not belong to a particular listener, so that a renamed listener keeps its sockets;
    /// port 0 means a different socket each time it is written.
    struct Key: Hashable {
        let address: String
        let listener: String?
        let ordinal: Int
    }

    private let logger: Logger
    private var bound: [Key: [ListeningSocket]] = [:]
    /// Sockets that the service manager opened and that no listener has taken yet.
    private var activated: [ActivatedSocket]
    let workerCount: Int

    init(workerCount: Int, activated: [ActivatedSocket] = [], logger: Logger) {
        self.workerCount = workerCount
        self.activated = activated
        self.logger = logger
    }

    /// The sockets that a configuration needs, existing and new ones; nothing is closed before `keep`.
    func bind(_ listeners: [ListenerConfiguration]) throws(GatewayError) -> Plan {
        var plan = Plan()
        var taken: [Int] = []
        for listener in listeners {
            for (ordinal, address) in listener.bind.enumerated() {
                if address.isOptional, !IPv6.isOn {
                    logger.notice("listener \(listener.name): \(IPv6.absence); \(address) is left out")
                    continue
                }
                let key = Key(
                    address: address.description, listener: address.port == 0 ? listener.name : nil,
                    ordinal: address.port == 0 ? ordinal : 0)
                let sockets: [ListeningSocket]
                if let open = bound[key] {
                    sockets = open
                } else {
                    let given = activated.firstIndex { $0.matches(listener.name, address) }
                    if let given { taken.append(given) }
                    sockets = try open(address, of: listener, given.map { activated[$0] })
                    announce(listener, sockets)
                }
                plan.entries.append(Plan.Entry(key: key, listener: listener.name, sockets: sockets))
            }
        }
        let unused = activated.indices.filter { !taken.contains($0) }
        if let first = unused.first, bound.isEmpty {
            throw .configuration(
                "socket activation: no listener named \(activated[first].name) binds \(activated[first].address)")
        }
        return plan
    }

    /// Keeps the sockets of a configuration that is being served and closes all others.
    func keep(_ plan: Plan) {
        bound = Dictionary(plan.entries.map { ($0.key, $0.sockets) }) { first, _ in first }
        activated = []
    }

    /// Closes all sockets, so that this process no longer accepts clients.
    func closeAll() {
        bound = [:]
        activated = []
    }

    private func open(
        _ configured: BindAddress, of listener: ListenerConfiguration, _ activated: ActivatedSocket?
    ) throws(GatewayError) -> [ListeningSocket] {
        guard var address = SocketAddress(configured.description) else {
            throw .configuration("listener \(listener.name): \(configured) is not an address")
        }
        var sockets: [ListeningSocket] = []
        do throws(TransportFailure) {
            for index in 0..<workerCount {
                // The service manager opens each address once; the workers then share its accept queue.
                if let activated {
                    sockets.append(try activated.socket.duplicate())
                } else {
                    let socket = try ListeningSocket(address, exclusive: index == 0)
                    address = address.with(port: socket.address.port)
                    sockets.append(socket)
                }
            }
        } catch {
            let reason = configured.family == .ipv6 && !IPv6.isOn ? IPv6.absence : error.message
            throw .runtime("listener \(listener.name): cannot bind \(configured): \(reason)")
        }
        return sockets
    }

    private func announce(_ listener: ListenerConfiguration, _ sockets: [ListeningSocket]) {
        guard let address = sockets.first?.address else { return }
        logger.notice("listener \(listener.name): \(listener.scheme)://\(address.description)")
        if address.isIPv6, !IPv6.isOn {
            logger.warning("listener \(listener.name): \(IPv6.absence); nobody reaches \(address.description)")
        }
    }
}

extension ListenerBinder {
    /// The sockets of one configuration.
    struct Plan {
        struct Entry {
            let key: Key
            let listener: String
            /// By worker.
            let sockets: [ListeningSocket]
        }

        var entries: [Entry] = []

        /// Every socket with its label, in the form in which a gateway receives them.
        var labelled: [(label: SocketLabel, descriptor: Int32)] {
            entries.flatMap { entry in
                entry.sockets.enumerated().map { worker, socket in
                    (SocketLabel(listener: entry.listener, worker: worker), socket.borrowedDescriptor)
                }
            }
        }
    }
}

extension ListenerConfiguration {
    package var scheme: String { tls == nil ? "http" : "https" }
}

extension Configuration {
    /// The number of event loops to run on this machine.
    package var workerCount: Int {
        switch workers {
        case .automatic: min(256, ProcessorCount.available)
        case .count(let count): count
        }
    }
}
