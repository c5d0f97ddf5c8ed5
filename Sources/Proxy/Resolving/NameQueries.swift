import CAres
import Glibc
import Transport

/// What came of asking for a name.
enum NameAnswer {
    /// At least one; and for how many seconds they may be used.
    case addresses([SocketAddress], timeToLive: UInt32)
    case failed(String)
}

/// Queries under way at name servers, by c-ares; used by one thread.
@safe
final class NameQueries {
    private var channel: ares_channel?

    private static let internetClass: Int32 = 1
    private static let serviceType: Int32 = 33

    init?(_ settings: Resolver.Settings) {
        ares_library_init(ARES_LIB_INIT_ALL)
        var options = unsafe ares_options()
        unsafe options.timeout = settings.timeout
        unsafe options.tries = settings.tries
        let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES
        guard unsafe ares_init_options(&channel, &options, mask) == ARES_SUCCESS else { return nil }
        if !settings.servers.isEmpty {
            _ = unsafe ares_set_servers_ports_csv(channel, settings.servers.joined(separator: ","))
        }
    }

    deinit {
        // Queries under way end with ARES_EDESTRUCTION.
        unsafe ares_destroy(channel)
    }

    /// Asks for a name; `answered` is called once, perhaps before this returns.
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
        guard status == ARES_SUCCESS else { return .failed(unsafe String(cString: ares_strerror(status))) }
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

        /// The hosts of the best priority; their weights are left to the servers' own.
        func find(_ hosts: [(name: String, port: UInt16)], timeToLive: UInt32) {
            self.timeToLive = timeToLive
            hostsLeft = hosts.count
            guard !hosts.isEmpty else { return finish(failure) }
            for host in hosts { queries.findAddresses(host.name, host.port) { self.found($0) } }
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
        unsafe ares_query(
            channel, name.host, Self.internetClass, Self.serviceType,
            { query, status, _, message, length in
                let query = unsafe Unmanaged<ServiceQuery>.fromOpaque(query!).takeRetainedValue()
                guard status == ARES_SUCCESS else {
                    return query.finish(unsafe String(cString: ares_strerror(status)))
                }
                let bytes = unsafe Array(UnsafeBufferPointer(start: message, count: Int(length)))
                query.find(NameQueries.hosts(in: bytes), timeToLive: RecordTimes.shortest(bytes) ?? 0)
            }, query)
    }

    private static func hosts(in message: [UInt8]) -> [(name: String, port: UInt16)] {
        var list: UnsafeMutablePointer<ares_srv_reply>?
        guard unsafe ares_parse_srv_reply(message, Int32(message.count), &list) == ARES_SUCCESS else { return [] }
        defer { unsafe ares_free_data(list) }
        var hosts: [(priority: UInt16, name: String, port: UInt16)] = []
        var next = unsafe list
        while let record = unsafe next {
            let name = unsafe String(cString: record.pointee.host)
            hosts.append((unsafe record.pointee.priority, name, unsafe record.pointee.port))
            unsafe next = record.pointee.next
        }
        let best = hosts.map(\.priority).min()
        return hosts.filter { $0.priority == best }.map { ($0.name, $0.port) }
    }

    // MARK: Waiting

    /// Waits for answers, for a byte on `wakeUp`, or for the time to pass, and calls back for what was answered.
    func wait(_ wakeUp: Int32, atMost milliseconds: UInt64?) {
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        let mask = unsafe ares_getsock(channel, &sockets, Int32(sockets.count))
        var polled = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
        for (index, socket) in sockets.enumerated() {
            var events: Int16 = 0
            if CAres_is_readable(mask, Int32(index)) != 0 { events |= Int16(POLLIN) }
            if CAres_is_writable(mask, Int32(index)) != 0 { events |= Int16(POLLOUT) }
            if events != 0 { polled.append(pollfd(fd: socket, events: events, revents: 0)) }
        }
        _ = unsafe poll(&polled, nfds_t(polled.count), timeout(milliseconds))
        if polled[0].revents != 0 {
            var count: UInt64 = 0
            _ = unsafe read(wakeUp, &count, 8)
        }
        // Without a socket this looks for queries whose time is over.
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
