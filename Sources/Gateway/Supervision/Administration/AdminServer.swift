import CLinux
import Glibc
import Transport

/// The control socket: accepts local clients of root and of the gateway's own account, and reads their requests.
final class AdminServer {
    let path: String
    private let listener: OpenFile
    private var clients: [Int: Client] = [:]
    private var nextClient = 1
    /// Identifies this gateway's socket file, so that another gateway's is not removed.
    private let identity: FileIdentity?

    private struct Client {
        let descriptor: OpenFile
        var session: AdminSession
    }

    private static let clientLimit = 16

    /// Listens at `path`, and replaces a socket file that a previous gateway left there.
    convenience init(path: String) throws(GatewayError) {
        guard let address = UnixAddress(path) else { throw .configuration("admin.socket: \(path) is too long") }
        makeFolder(of: path)
        if Self.isServed(address) { throw .runtime("admin.socket: another gateway listens on \(path)") }
        if let status = SystemCalls.linkStatus(of: path) {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                throw .configuration("admin.socket: \(path) exists and is no socket")
            }
            unsafe unlink(path)
        }
        let descriptor = OpenFile(adopting: socket(AF_UNIX, CLinux_SOCK_STREAM_FLAGS, 0))
        // The mode is in effect from the creation on.
        let mask = umask(0o177)
        defer { umask(mask) }
        guard descriptor.number >= 0,
            unsafe address.withSocketAddress({ unsafe bind(descriptor.number, $0, $1) }) == 0,
            listen(descriptor.number, 16) == 0
        else { throw .runtime("admin.socket: cannot listen on \(path): \(systemMessage(errno))") }
        self.init(path: path, listening: descriptor)
    }

    /// Continues with a socket that the previous program opened before execve(2).
    convenience init(path: String, adopting descriptor: Int32) {
        self.init(path: path, listening: OpenFile(adopting: descriptor))
    }

    private init(path: String, listening listener: OpenFile) {
        self.path = path
        self.listener = listener
        identity = FileIdentity(path)
    }

    /// The listening descriptor.
    var descriptor: Int32 { listener.number }

    /// Removes the socket's file.
    func remove() {
        if FileIdentity(path) == identity { unsafe unlink(path) }
    }

    private static func isServed(_ address: UnixAddress) -> Bool {
        let probe = OpenFile(adopting: socket(AF_UNIX, CLinux_SOCK_STREAM_FLAGS, 0))
        return unsafe address.withSocketAddress { unsafe connect(probe.number, $0, $1) } == 0 || errno == EAGAIN
    }

    // MARK: Events

    func watch(_ poll: inout Poll) {
        poll.watch(listener.number)
        for client in clients.values {
            if client.session.output != nil {
                poll.watchForWriting(client.descriptor.number)
            } else if client.session.isReading {
                poll.watch(client.descriptor.number)
            }
        }
    }

    var deadline: Deadline { clients.values.map(\.session.deadline).min() ?? .never }

    /// Handles the events and returns the complete requests, each with its client's number.
    func work(_ poll: Poll) -> [(client: Int, request: AdminRequest)] {
        var requests: [(client: Int, request: AdminRequest)] = []
        for number in clients.keys.sorted() {
            guard let client = clients[number], poll.isReady(client.descriptor.number) else { continue }
            if client.session.output != nil {
                write(to: number)
            } else if let request = read(from: number) {
                requests.append((number, request))
            }
        }
        if poll.isReady(listener.number) { accept() }
        let now = Deadline.current()
        clients = clients.filter { !$0.value.session.hasEnded && $0.value.session.deadline > now }
        return requests
    }

    func respond(_ response: AdminResponse, to number: Int) {
        clients[number]?.session.respond(response, now: .current())
        write(to: number)
        if clients[number]?.session.hasEnded == true { clients[number] = nil }
    }

    private func accept() {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = unsafe CLinux_accept(listener.number, &storage, &length)
            guard accepted >= 0 else { return }
            let number = nextClient
            nextClient += 1
            clients[number] = Client(descriptor: OpenFile(adopting: accepted), session: AdminSession(now: .current()))
            let user = CLinux_peer_user(accepted)
            if user != 0 && user != Int(geteuid()) {
                respond(AdminResponse(.refused, "only root and the gateway's own account may ask"), to: number)
            } else if clients.count > Self.clientLimit {
                respond(AdminResponse(.failed, "\(Self.clientLimit) clients are connected already"), to: number)
            }
        }
    }

    private func read(from number: Int) -> AdminRequest? {
        guard let client = clients[number] else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = SystemCalls.read(client.descriptor.number, into: &bytes)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return nil }
        guard count > 0 else {
            clients[number] = nil
            return nil
        }
        switch clients[number]?.session.received(bytes.prefix(count)) {
        case .request(let request): return request
        case .refused(let reason): respond(AdminResponse(.refused, reason), to: number)
        case .incomplete, nil: break
        }
        return nil
    }

    private func write(to number: Int) {
        guard let client = clients[number] else { return }
        while let output = clients[number]?.session.output {
            let count = output.withBytes { SystemCalls.send(client.descriptor.number, $0) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            if count < 0 { clients[number]?.session.end() }
            clients[number]?.session.wrote(max(0, count))
        }
    }
}

/// The file to which a path refers.
private struct FileIdentity: Equatable {
    let device: UInt
    let number: UInt

    init?(_ path: String) {
        guard let status = SystemCalls.linkStatus(of: path) else { return nil }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
    }
}

/// Creates the folder of a socket, for the gateway's account alone; a failure shows when the socket is bound.
private func makeFolder(of path: String) {
    guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
    _ = unsafe mkdir(String(path[..<slash]), 0o755)
}
