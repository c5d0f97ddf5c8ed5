import CLinux
import Glibc
import Transport

/// The client's end of a connection: blocking calls on a descriptor, each of which times out after ten seconds.
package final class Peer: Sendable {
    private let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, size)
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Connects to a listening address on this machine; nil when that is refused.
    package static func connect(to address: SocketAddress) -> Peer? {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, type, 0)
        let peer = Peer(descriptor)
        let status = unsafe address.withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) }
        return status == 0 ? peer : nil
    }

    package func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    package func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// The result of one call of recv(2): empty at the end, nil when it failed.
    package func receive(upTo limit: Int = 64 << 10) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count < 0 ? nil : Array(buffer[..<count])
    }

    /// Whether a call of `receive` would return immediately.
    package var hasBytes: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1
    }

    /// Exactly `count` bytes as text, or fewer when the connection ends before.
    package func receiveText(_ count: Int) -> String {
        var received: [UInt8] = []
        while received.count < count, let piece = receive(upTo: count - received.count), !piece.isEmpty {
            received += piece
        }
        return String(decoding: received, as: UTF8.self)
    }

    /// Text up to and including `end`, or less when the connection ends before or no more bytes come.
    package func receiveText(until end: String) -> String {
        var received = ""
        while !received.hasSuffix(end), let piece = receive(), !piece.isEmpty {
            received += String(decoding: piece, as: UTF8.self)
        }
        return received
    }

    /// Everything until the other side ends its direction; nil when it resets the connection instead.
    package func receiveToEnd() -> String? {
        var received: [UInt8] = []
        while let piece = receive() {
            if piece.isEmpty { return String(decoding: received, as: UTF8.self) }
            received += piece
        }
        return nil
    }

    /// Whether the other side has closed both directions.
    package var isRefused: Bool { isClosed(within: 0) }

    /// Returns when the other side has closed both directions, or after ten seconds.
    package func waitUntilRefused() {
        _ = isClosed(within: 10_000)
    }

    private func isClosed(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&entry, 1, milliseconds) == 1 && entry.revents & Int16(POLLHUP) != 0
    }

    /// Ends sending; receiving continues.
    package func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends both directions.
    package func hangUp() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// Two connected stream sockets: a non-blocking descriptor for an endpoint, and the peer that communicates with it.
package func socketPair() -> (descriptor: Int32, peer: Peer) {
    var descriptors: [Int32] = [-1, -1]
    let status = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &descriptors)
    precondition(status == 0, "a socket pair can be made")
    _ = fcntl(descriptors[0], F_SETFL, O_NONBLOCK)
    return (descriptors[0], Peer(descriptors[1]))
}

extension SocketAddress {
    /// 127.0.0.1 and a port the system chooses.
    package static let loopback = SocketAddress("127.0.0.1:0")!
}

extension Endpoint {
    /// Opens the descriptor of a socket pair; on the worker's thread.
    package static func open(_ descriptor: Int32, on worker: Worker) -> Endpoint {
        Endpoint.open(
            Descriptor(adopting: descriptor), on: worker, local: .loopback, remote: .loopback)!
    }
}
