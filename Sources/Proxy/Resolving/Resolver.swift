import CLinux
import Glibc
import Synchronization
import Transport

/// Keeps the addresses of names up to date, on a separate thread: resolves them again when records expire, and reports
/// changes. Known addresses stay in use while a name cannot be resolved.
@safe
package final class Resolver: @unchecked Sendable {
    private let settings: Settings
    private let reporter: @Sendable (ServiceName, String?) -> Void
    private let inbox = Mutex(Inbox())
    private let wakeUp: Descriptor

    private struct Inbox {
        var added: [Watch] = []
        var isRetired = false
    }

    package struct Settings: Sendable, Equatable {
        /// `address:port`; empty for those of /etc/resolv.conf.
        package var servers: [String] = []
        /// Milliseconds of the first try with a server.
        package var timeout: Int32 = 2000
        package var tries: Int32 = 3
        /// The shortest and longest time between two queries for a name, in milliseconds.
        package var times: ClosedRange<UInt64> = 1000...300_000

        package init() {}
    }

    /// - Parameter reporter: called on the resolver's thread with the reason why a name cannot be resolved; with nil
    ///   when it can again.
    package init(_ settings: Settings, reporter: @escaping @Sendable (ServiceName, String?) -> Void) {
        self.settings = settings
        self.reporter = reporter
        wakeUp = Descriptor(adopting: CLinux_eventfd())
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, runResolver, reference)
        precondition(status == 0 && wakeUp.isOpen, "a thread and a descriptor can be had")
        pthread_detach(thread)
    }

    /// Reports the addresses of a name as soon as they are known, and whenever they change.
    ///
    /// - Parameter onChange: called on the resolver's thread, never with an empty list, but with nil after a failed query.
    package func watch(_ name: ServiceName, _ onChange: @escaping @Sendable ([SocketAddress]?) -> Void) -> Watch {
        let watch = Watch(name, settings.times, self, onChange)
        inbox.withLock { $0.added.append(watch) }
        ring()
        return watch
    }

    /// Lets the thread end when there are no watches any more.
    package func retire() {
        inbox.withLock { $0.isRetired = true }
        ring()
    }

    fileprivate func ring() {
        var one: UInt64 = 1
        _ = unsafe write(wakeUp.number, &one, 8)
    }

    /// A watch of the addresses of a name, as long as the object is referenced.
    package final class Watch: @unchecked Sendable {
        let name: ServiceName
        private let resolver: Resolver
        private let isCancelled = Atomic(false)
        // Used by the resolver's thread only.
        fileprivate var schedule: ResolutionSchedule
        fileprivate var due: UInt64 = 0
        fileprivate var isUnderWay = false
        fileprivate var known: [String] = []
        fileprivate var failure: String?
        fileprivate let onChange: @Sendable ([SocketAddress]?) -> Void

        fileprivate init(
            _ name: ServiceName, _ times: ClosedRange<UInt64>, _ resolver: Resolver,
            _ onChange: @escaping @Sendable ([SocketAddress]?) -> Void
        ) {
            self.name = name
            schedule = ResolutionSchedule(limits: times)
            self.resolver = resolver
            self.onChange = onChange
        }

        /// No further addresses are reported.
        package func cancel() {
            isCancelled.store(true, ordering: .relaxed)
            resolver.ring()
        }

        fileprivate var isOver: Bool { isCancelled.load(ordering: .relaxed) }
    }

    // MARK: The thread

    fileprivate func run() {
        guard let queries = NameQueries(settings) else { return }
        var watches: [Watch] = []
        while true {
            let (added, isRetired) = inbox.withLock { inbox in
                defer { inbox.added = [] }
                return (inbox.added, inbox.isRetired)
            }
            watches += added
            watches.removeAll(where: \.isOver)
            if isRetired && watches.isEmpty { return }
            let now = Self.now()
            for watch in watches where !watch.isUnderWay && watch.due <= now {
                watch.isUnderWay = true
                queries.resolve(watch.name) { self.resolved(watch, $0) }
            }
            let next = watches.lazy.filter { !$0.isUnderWay }.map(\.due).min()
            queries.wait(wakeUp.number, atMost: next.map { $0 > now ? $0 - now : 0 })
        }
    }

    private func resolved(_ watch: Watch, _ answer: NameAnswer) {
        watch.isUnderWay = false
        guard !watch.isOver else { return }
        switch answer {
        case .addresses(let addresses, let timeToLive):
            watch.due = Self.now() + watch.schedule.succeeded(timeToLive: timeToLive)
            let texts = addresses.map(\.description).sorted()
            if texts != watch.known {
                watch.known = texts
                watch.onChange(addresses)
            }
            note(nil, of: watch)
        case .failed(let reason):
            watch.due = Self.now() + watch.schedule.failed()
            watch.onChange(nil)
            note(reason, of: watch)
        }
    }

    /// A repeated failure is reported only once.
    private func note(_ failure: String?, of watch: Watch) {
        guard failure != watch.failure else { return }
        watch.failure = failure
        reporter(watch.name, failure)
    }

    private static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

private let runResolver: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
    unsafe Unmanaged<Resolver>.fromOpaque(reference!).takeRetainedValue().run()
    return nil
}
