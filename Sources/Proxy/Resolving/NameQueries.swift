import CAres
import Glibc
import Transport

/// The result of resolving a name.
enum NameAnswer {
    /// At least one; and the seconds for which they may be used.
    case addresses([SocketAddress], timeToLive: UInt32)
    case failed(String)
}

/// Queries at name servers, by c-ares; used by one thread.
@safe
final class NameQueries {
    private var channel: ares_channel?
    private let sockets = WatchedSockets()

    private static let serviceType: Int32 = 33

    init?(_ settings: Resolver.Settings) {
        ares_library_init(ARES_LIB_INIT_ALL)
        var options = unsafe ares_options()
        unsafe options.timeout = settings.timeout
        unsafe options.tries = settings.tries
        unsafe options.sock_state_cb = { sockets, socket, isRead, isWritten in
            unsafe Unmanaged<WatchedSockets>.fromOpaque(sockets!).takeUnretainedValue()
                .watch(socket, forReading: isRead != 0, forWriting: isWritten != 0)
        }
        unsafe options.sock_state_cb_data = Unmanaged.passUnretained(sockets).toOpaque()
        let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB
        guard unsafe ares_init_options(&channel, &options, Int32(mask)) == CAres_SUCCESS else { return nil }
        if !settings.servers.isEmpty {
            _ = unsafe ares_set_servers_ports_csv(channel, settings.servers.joined(separator: ","))
        }
    }

    deinit {
        // Queries in progress end with ARES_EDESTRUCTION.
        unsafe ares_destroy(channel)
    }

    /// Resolves a name; `answered` is called once, possibly before this returns.
    func resolve(_ name: ServiceName, _ answered: @escaping (NameAnswer) -> Void) {
        if name.isService {
            query(name, answered)
        } else {
            findAddresses(name.host, name.port, answered)
        }
    }

    // MARK: Addresses of a host

    private final class AddressQuery {
        let port: UInt16
        let answered: (NameAnswer) -> Void

        init(_ port: UInt16, _ answered: @escaping (NameAnswer) -> Void) {
            self.port = port
            self.answered = answered
        }
    }

    private func findAddresses(_ host: String, _ port: UInt16, _ answered: @escaping (NameAnswer) -> Void) {
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        hints.ai_flags = ARES_AI_NOSORT
        let query = unsafe Unmanaged.passRetained(AddressQuery(port, answered)).toOpaque()
        unsafe ares_getaddrinfo(
            channel, host, nil, &hints,
            { query, status, _, result in
                let query = unsafe Unmanaged<AddressQuery>.fromOpaque(query!).takeRetainedValue()
                unsafe query.answered(NameQueries.answer(status, result, port: query.port))
                unsafe ares_freeaddrinfo(result)
            }, query)
    }

    private static func answer(_ status: Int32, _ result: UnsafeMutablePointer<ares_addrinfo>?, port: UInt16)
        -> NameAnswer
    {
        guard status == CAres_SUCCESS else { return .failed(unsafe String(cString: ares_strerror(status))) }
        var addresses: [SocketAddress] = []
        var timeToLive = UInt32.max
        var next = unsafe result?.pointee.nodes
        while let node = unsafe next {
            if let address = unsafe SocketAddress(node.pointee.ai_addr, port: port) {
                addresses.append(address)
                timeToLive = min(timeToLive, UInt32(max(0, unsafe node.pointee.ai_ttl)))
            }
            unsafe next = node.pointee.ai_next
        }
        return addresses.isEmpty ? .failed("no addresses") : .addresses(addresses, timeToLive: timeToLive)
    }

    // MARK: Hosts of a service

    private final class ServiceQuery {
        unowned let queries: NameQueries
        let answered: (NameAnswer) -> Void
        private var addresses: [SocketAddress] = []
        private var timeToLive = UInt32.max
        private var failure = "no hosts"
        private var hostsLeft = 0

        init(_ queries: NameQueries, _ answered: @escaping (NameAnswer) -> Void) {
            self.queries = queries
            self.answered = answered
        }

        func finish(_ reason: String) { answered(.failed(reason)) }

        func find(_ records: ServiceRecords) {
            timeToLive = records.timeToLive
            hostsLeft = records.hosts.count
            guard hostsLeft > 0 else { return finish(failure) }
            for host in records.hosts { queries.findAddresses(host.name, host.port) { self.found($0) } }
        }

        private func found(_ answer: NameAnswer) {
            switch answer {
            case .addresses(let more, let time):
                addresses += more
                timeToLive = min(timeToLive, time)
            case .failed(let reason): failure = reason
            }
            hostsLeft -= 1
            guard hostsLeft == 0 else { return }
            answered(addresses.isEmpty ? .failed(failure) : .addresses(addresses, timeToLive: timeToLive))
        }
    }

    private func query(_ name: ServiceName, _ answered: @escaping (NameAnswer) -> Void) {
        let query = unsafe Unmanaged.passRetained(ServiceQuery(self, answered)).toOpaque()
        unsafe CAres_query(
            channel, name.host, Self.serviceType,
            { query, status, message, count in
                let query = unsafe Unmanaged<ServiceQuery>.fromOpaque(query!).takeRetainedValue()
                guard status == CAres_SUCCESS else {
                    return query.finish(unsafe String(cString: ares_strerror(status)))
                }
                let bytes = unsafe Array(UnsafeBufferPointer(start: message, count: Int(count)))
                guard let records = ServiceRecords(bytes) else { return query.finish("malformed answer") }
                query.find(records)
            }, query)
    }

    // MARK: Waiting

    /// Waits for answers, for a byte on `wakeUp`, or for a timeout, and calls back for completed queries.
    func wait(_ wakeUp: Int32, atMost milliseconds: UInt64?) {
        var polled = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)] + sockets.entries
        _ = unsafe poll(&polled, nfds_t(polled.count), timeout(milliseconds))
        if polled[0].revents != 0 {
            var count: UInt64 = 0
            _ = unsafe read(wakeUp, &count, 8)
        }
        // Without a socket this checks for queries that have timed out.
        unsafe ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD)
        for socket in polled.dropFirst() where socket.revents != 0 {
            let isReadable = socket.revents & ~Int16(POLLOUT) != 0
            let isWritable = socket.revents & Int16(POLLOUT) != 0
            unsafe ares_process_fd(
                channel, isReadable ? socket.fd : ARES_SOCKET_BAD, isWritable ? socket.fd : ARES_SOCKET_BAD)
        }
    }

    private func timeout(_ milliseconds: UInt64?) -> Int32 {
        var longest = timeval(tv_sec: Int(min(milliseconds ?? 3_600_000, 3_600_000)) / 1000, tv_usec: 0)
        longest.tv_usec = Int(min(milliseconds ?? 0, 3_600_000) % 1000) * 1000
        var storage = timeval()
        guard let time = unsafe ares_timeout(channel, &longest, &storage) else { return -1 }
        return unsafe Int32(time.pointee.tv_sec) * 1000 + Int32((time.pointee.tv_usec + 999) / 1000)
    }
}

/// The sockets that c-ares waits for, as it reports at each change.
private final class WatchedSockets {
    private var events: [Int32: Int16] = [:]

    func watch(_ socket: Int32, forReading: Bool, forWriting: Bool) {
        let wanted = (forReading ? Int16(POLLIN) : 0) | (forWriting ? Int16(POLLOUT) : 0)
        events[socket] = wanted == 0 ? nil : wanted
    }

    var entries: [pollfd] { events.map { pollfd(fd: $0, events: $1, revents: 0) } }
}
