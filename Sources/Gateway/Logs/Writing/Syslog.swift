import CLinux
import Glibc
import Memory
import Transport

/// A syslog daemon, which receives each line as a message of RFC 5424 in a datagram (RFC 5426).
final class Syslog: LogSink, @unchecked Sendable {
    private let address: SocketAddress?
    private let isUnix: Bool
    /// `<134>1 `
    private let priority: String
    /// ` host isagate 4711 access - `: from the host name to the missing structured data.
    private let origin: String
    private var socket: OpenFile?

    /// Bytes of a message that a datagram of IPv4 can contain.
    private static let largestMessage = 64_000

    /// - Parameter name: the log's, for MSGID.
    init(_ configuration: SyslogConfiguration, name: String) {
        switch configuration.address {
        case .unix(let path):
            address = SocketAddress(unixPath: path)
            isUnix = true
        case .udp(let udp):
            address = SocketAddress(udp.description)
            isUnix = false
        }
        priority = "<\(configuration.facility * 8 + SyslogConfiguration.severity)>1 "
        origin = " \(HostName.current) \(configuration.tag) \(getpid()) \(name.prefix(32)) - "
    }

    func write(_ lines: ByteView) throws(TransportFailure) -> Int {
        let head = Array((priority + Timestamp.now().iso8601 + origin).utf8)
        var rest = lines
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            do throws(TransportFailure) {
                try send(head + Array(rest[..<end].prefix(Self.largestMessage - head.count)))
            } catch {
                if rest.count < lines.count { break }
                throw error
            }
            rest = rest.dropFirst(end + 1)
        }
        return lines.count - rest.count
    }

    /// The next message goes to the daemon that listens then.
    func reopen() {
        socket = nil
    }

    private func send(_ message: [UInt8]) throws(TransportFailure) {
        if let socket, transmit(message, socket) { return }
        let isFirst = socket == nil
        let failure = errno
        // A datagram that nobody receives is lost in the net; a daemon on this machine may have been restarted.
        if !isFirst, !isUnix, failure == ECONNREFUSED { return }
        let fresh = try connect()
        guard transmit(message, fresh) else { throw .system(errno) }
        socket = fresh
    }

    private func transmit(_ message: [UInt8], _ socket: OpenFile) -> Bool {
        message.withBytes { bytes in
            while true {
                if SystemCalls.send(socket.number, bytes) >= 0 {
                    return true
                }
                if errno != EINTR { return false }
            }
        }
    }

    private func connect() throws(TransportFailure) -> OpenFile {
        guard let address else { throw .system(EINVAL) }
        let number = Glibc.socket(address.family, CLinux_SOCK_DATAGRAM_FLAGS, 0)
        guard number >= 0 else { throw .system(errno) }
        let fresh = OpenFile(Descriptor(adopting: number))
        guard unsafe address.withSocketAddress({ unsafe Glibc.connect(number, $0, $1) }) == 0 else {
            throw .system(errno)
        }
        return fresh
    }
}
