import TLS
import Transport

/// Everything a gateway needs to serve, read and bound before it starts or reloads, so that it opens no key file and
/// needs no privilege.
package struct Material {
    /// The configuration file as the user named it.
    package let configurationFile: String
    package let configuration: Configuration
    /// The bytes of every file with certificates or keys that the configuration names, by absolute path; a file that
    /// could not be read is missing here.
    package let files: [String: [UInt8]]
    /// What has already been parsed of `files`.
    package let chains: ChainReader
    /// How many event loops to run; fixed while the listening sockets live.
    package let workerCount: Int
    /// Every address of every listener, once per worker. A socket without a reference closes itself.
    package let sockets: [BoundSocket]

    package init(
        configurationFile: String, configuration: Configuration, files: [String: [UInt8]], chains: ChainReader,
        workerCount: Int, sockets: [BoundSocket]
    ) {
        self.configurationFile = configurationFile
        self.configuration = configuration
        self.files = files
        self.chains = chains
        self.workerCount = workerCount
        self.sockets = sockets
    }
}

/// One address of a listener, bound for one worker.
package struct BoundSocket {
    /// The listener's name.
    package let listener: String
    /// The address it is bound to, with the port the system chose: `127.0.0.1:8443`.
    package let address: String
    /// The worker's index.
    package let worker: Int
    package let socket: ListeningSocket

    package init(listener: String, address: String, worker: Int, socket: ListeningSocket) {
        self.listener = listener
        self.address = address
        self.worker = worker
        self.socket = socket
    }
}
