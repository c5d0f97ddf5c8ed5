import CLinux
import Glibc
import Memory
import TLS
import Transport

/// Why a connection of this kind, or what came over it, is of no use.
enum ConnectionFailure: Error, Equatable {
    /// There is no connection.
    case unreachable(String)
    /// It has failed.
    case broken(String)
    /// What came is not what was asked for.
    case unsuitable(String)

    var message: String {
        switch self {
        case .unreachable(let text), .broken(let text), .unsuitable(let text): text
        }
    }
}

/// One connection to a server, on which the calling thread waits, but not beyond a deadline.
final class BlockingConnection {
    private let socket: OpenFile
    /// What the calls wait until that have no time of their own.
    var deadline: Deadline
    /// Ends every wait with a failure once it is rung.
    private let interrupt: WakeUp?
    private let session: TLSClientSession?

    /// Connects, and performs the handshake.
    ///
    /// - Parameters:
    ///   - name: the name for the handshake.
    ///   - context: nil without TLS.
    ///   - interrupt: ends every wait with a failure once it is rung; nil if nothing does. The name is looked up before.
    convenience init(
        to url: RequestURL, name: String, _ context: TLSClientContext?, until deadline: Deadline,
        interrupt: WakeUp? = nil
    ) throws(ConnectionFailure) {
        let address = url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
        try self.init(
            toHost: address, port: url.effectivePort, name: name, context, until: deadline, interrupt: interrupt)
    }

    /// - Parameter host: a name, or an address without brackets.
    init(
        toHost host: String, port: UInt16, name: String, _ context: TLSClientContext?, until deadline: Deadline,
        interrupt: WakeUp? = nil
    ) throws(ConnectionFailure) {
        self.deadline = deadline
        self.interrupt = interrupt
        socket = try Self.connect(to: host, port: port, until: deadline, interrupt)
        do throws(TLSError) {
            session = if let context { try TLSClientSession(context, to: name) } else { nil }
        } catch {
            throw .unreachable(error.description)
        }
        if let session { try shakeHands(session) }
    }

    // MARK: Connecting

    /// Tries the addresses of the host one after the other.
    private static func connect(
        to host: String, port: UInt16, until deadline: Deadline, _ interrupt: WakeUp?
    ) throws(ConnectionFailure) -> OpenFile {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CLinux_SOCK_STREAM
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else {
            throw .unreachable("\(host): \(unsafe String(cString: gai_strerror(status)))")
        }
        defer { unsafe freeaddrinfo(list) }
        var reason = "no address"
        var next = unsafe list
        while let info = unsafe next {
            let descriptor = OpenFile(
                adopting: unsafe Glibc.socket(info.pointee.ai_family, CLinux_SOCK_STREAM_FLAGS, 0))
            let result = unsafe Glibc.connect(descriptor.number, info.pointee.ai_addr, info.pointee.ai_addrlen)
            if result == 0 { return descriptor }
            let error = errno
            var isDecided = false
            if error == EINPROGRESS {
                isDecided = try wait(descriptor.number, toWrite: true, until: deadline, interrupt)
            }
            if isDecided {
                let failure = failure(of: descriptor.number)
                if failure == 0 { return descriptor }
                reason = systemMessage(failure)
            } else {
                reason = deadline <= .current() ? "no connection in time" : systemMessage(error)
            }
            unsafe next = info.pointee.ai_next
        }
        throw .unreachable("\(host):\(port): \(reason)")
    }

    private static func failure(of descriptor: Int32) -> Int32 {
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
        return failure
    }

    /// False when the deadline has passed.
    private static func wait(
        _ descriptor: Int32, toWrite: Bool, until deadline: Deadline, _ interrupt: WakeUp?
    ) throws(ConnectionFailure) -> Bool {
        while deadline > .current() {
            var poll = Poll()
            if toWrite { poll.watchForWriting(descriptor) } else { poll.watch(descriptor) }
            if let interrupt { poll.watch(interrupt.descriptor) }
            poll.wait(until: deadline)
            if let interrupt, poll.isReady(interrupt.descriptor) { throw .broken("interrupted") }
            if poll.isReady(descriptor) { return true }
        }
        return false
    }

    private func shakeHands(_ session: TLSClientSession) throws(ConnectionFailure) {
        do throws(ConnectionFailure) {
            while true {
                let outcome = session.shakeHands()
                try sendAll(session.takeOutput())
                switch outcome {
                case .done: return
                case .incomplete:
                    guard let bytes = try receiveSome(until: deadline) else { throw Self.late }
                    guard !bytes.isEmpty else { throw .unreachable("TLS: connection closed during handshake") }
                    bytes.withBytes { session.deliver($0) }
                case .ended: throw .unreachable("TLS: connection closed during handshake")
                case .failed(let reason): throw .unreachable("TLS: \(reason)")
                }
            }
        } catch {
            throw .unreachable(error.message)
        }
    }

    // MARK: Bytes

    func send(_ bytes: [UInt8]) throws(ConnectionFailure) {
        guard let session else { return try sendAll(bytes) }
        // In pieces, so that not all of it is in memory twice.
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(64 << 10))
            guard piece.withBytes({ session.write($0) }) else { throw .broken("TLS: the connection has failed") }
            try sendAll(session.takeOutput())
            rest = rest.dropFirst(piece.count)
        }
    }

    /// The next bytes; none at the end.
    func receive() throws(ConnectionFailure) -> [UInt8] {
        guard let bytes = try receive(until: deadline) else { throw Self.late }
        return bytes
    }

    /// The next bytes; none at the end, nil when none have come until a time, after which the connection goes on.
    func receive(until time: Deadline) throws(ConnectionFailure) -> [UInt8]? {
        guard let session else { return try receiveSome(until: time) }
        var block = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            switch block.withMutableBytes({ session.read(into: $0) }) {
            case .done(let count): return Array(block[..<count])
            case .ended: return []
            case .failed(let reason): throw .broken("TLS: \(reason)")
            case .incomplete:
                guard let bytes = try receiveSome(until: time) else { return nil }
                guard !bytes.isEmpty else { throw .broken("TLS: the connection ended without notice") }
                bytes.withBytes { session.deliver($0) }
            }
        }
    }

    private static let late = ConnectionFailure.broken("no response in time")

    private func sendAll(_ bytes: [UInt8]) throws(ConnectionFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let number = socket.number
            let count = rest.withBytes { SystemCalls.send(number, $0) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard try Self.wait(number, toWrite: true, until: deadline, interrupt) else {
                    throw .broken("not sent in time")
                }
            } else if errno != EINTR {
                throw .broken("sending: \(systemMessage(errno))")
            }
        }
    }

    private func receiveSome(until time: Deadline) throws(ConnectionFailure) -> [UInt8]? {
        var block = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let number = socket.number
            let count = SystemCalls.read(number, into: &block)
            if count >= 0 { return Array(block[..<count]) }
            if errno == EAGAIN {
                guard try Self.wait(number, toWrite: false, until: time, interrupt) else { return nil }
            } else if errno != EINTR {
                throw .broken("receiving: \(systemMessage(errno))")
            }
        }
    }
}
