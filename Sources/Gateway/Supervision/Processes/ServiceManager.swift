import CLinux
import Glibc
import Transport

/// Notifies the service manager of the gateway's state (sd_notify(3)), if it requested that.
struct ServiceManager: Codable, Equatable, Sendable {
    /// The path of its socket; one in the abstract name space begins with `@`.
    let socket: String?
    /// How long it waits for a watchdog notification before it ends the service; nil when there is no watchdog.
    let watchdogMilliseconds: Int?

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    init(_ environment: (String) -> String?, pid: Int32) {
        socket = environment("NOTIFY_SOCKET")
        let isForUs = environment("WATCHDOG_PID").map { $0 == String(pid) } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int($0) }
        watchdogMilliseconds = isForUs ? microseconds.flatMap { $0 >= 3000 ? $0 / 1000 : nil } : nil
    }

    /// The interval of watchdog notifications, a third of the required one.
    var beat: Delay? {
        watchdogMilliseconds.map { .milliseconds(UInt64($0) / 3) }
    }

    enum Event {
        case ready(status: String)
        case reloading
        case stopping
        case alive
    }

    /// Sends one datagram; does not wait for a service manager that does not read.
    func notify(_ event: Event) {
        guard let socket else { return }
        send(Self.text(of: event), to: socket)
    }

    static func text(of event: Event) -> String {
        switch event {
        case .ready(let status): "READY=1\nSTATUS=\(status)"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(CLinux_monotonic_ns() / 1000)"
        case .stopping: "STOPPING=1"
        case .alive: "WATCHDOG=1"
        }
    }

    private func send(_ text: String, to path: String) {
        guard let address = UnixAddress(path) else { return }
        let descriptor = Descriptor(adopting: Glibc.socket(AF_UNIX, CLinux_SOCK_DATAGRAM_FLAGS, 0))
        guard descriptor.isOpen else { return }
        let number = descriptor.number
        let bytes = Array(text.utf8)
        unsafe address.withSocketAddress { address, length in
            _ = unsafe sendto(
                number, bytes, bytes.count, CLinux_MSG_NOSIGNAL | CLinux_MSG_DONTWAIT, address, length)
        }
    }
}

/// The address of a Unix socket: a path, or a name in the abstract name space after `@` (unix(7)).
struct UnixAddress {
    private var storage = sockaddr_un()
    private var length: socklen_t

    static let maximumPathBytes = AdminConfiguration.maximumSocketPathBytes

    /// Nil for a path that is empty or too long.
    init?(_ path: String) {
        var bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maximumPathBytes, !bytes.contains(0) else { return nil }
        let isAbstract = bytes[0] == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
        length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        storage.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &storage.sun_path) { unsafe $0.copyBytes(from: bytes) }
    }

    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
