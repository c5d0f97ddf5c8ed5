import Memory
import Transport

/// The state that the connections of one worker and one listener share: limits, router, spare exchanges, the Date
/// field.
@safe
package final class HTTPService {
    package let worker: Worker
    /// The limits of requests that begin from now on.
    package var limits: ConnectionLimits {
        didSet {
            connectionLimits = nil
            guard limits.head != oldValue.head else { return }
            discardSpares()
            assembly = nil
        }
    }
    /// The proxies in front that are trusted to state the origin of requests.
    package var trustedProxies: TrustedProxies?
    /// Counts the clients that these proxies name; must be set before there is a connection.
    package var clients: (any ClientCounter)?
    /// Connections close after their next response.
    private(set) var isRetired = false
    let router: any RequestRouter
    package var requestIDs = RequestIDPolicy()
    /// Nil where the gateway takes no part in traces, and passes on what clients send.
    package var traceContexts: TraceContextPolicy?
    var requestIDGenerator = RequestIDGenerator()
    private var assembly: SharedRequestAssembly?
    private var connectionLimits: SharedHTTP2Limits?
    private var spare: Stored<ExchangeStorage>?
    private var spareCount = 0
    private let date = OwnedBytes(dateLine)
    private var dateSeconds = Int64.min

    /// The maximum number of exchanges kept for further requests; the memory of others is released.
    private static let spareLimit = 64
    /// The same while connections of HTTP/2 are busy, whose requests of a turn may all be in progress at its end.
    static let busySpareLimit = 512
    private static let dateLine = Array("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n".utf8)

    package init(worker: Worker, limits: ConnectionLimits, router: any RequestRouter) {
        self.worker = worker
        self.limits = limits
        self.router = router
    }

    deinit {
        discardSpares()
    }

    /// The object in which HTTP/2 connections assemble heads, each while it receives one.
    @inline(__always)
    var requestAssembly: SharedRequestAssembly { assembly ?? makeAssembly() }

    @inline(never)
    private func makeAssembly() -> SharedRequestAssembly {
        let made = SharedRequestAssembly(limits.head)
        assembly = made
        return made
    }

    /// The limits of HTTP/2 connections that begin from now on.
    var http2Limits: SharedHTTP2Limits {
        if let connectionLimits { return connectionLimits }
        var limits = self.limits.http2
        limits.head = self.limits.head
        let made = SharedHTTP2Limits(limits)
        connectionLimits = made
        return made
    }

    /// Called when the listener has been removed: connections close after their next response.
    package func retire() {
        isRetired = true
    }

    // Methods that call the router through the object that owns it, which avoids reference counting.

    @inline(never)
    func answer(_ exchange: Exchange) -> Disposition {
        router.answer(exchange)
    }

    /// Notifies the router that an exchange has ended, if it observes exchanges.
    @inline(never)
    func observe(_ exchange: Exchange) {
        guard router.observesExchanges else { return }
        if exchange.storage.value.pending != nil { exchange.leavePending() }
        exchange.withConnection { connection in
            if connection.successor == nil {
                router.finished(exchange)
            } else {
                connection.successionObserver = router.switched(exchange)
            }
        }
    }

    private func discardSpares(keeping limit: Int = 0) {
        while spareCount > limit, let storage = spare {
            spare = storage.value.next
            spareCount -= 1
            discard(storage)
        }
    }

    /// Releases the exchanges that only busy connections of HTTP/2 need.
    func trim() { discardSpares(keeping: Self.spareLimit) }

    @inline(__always)
    func rent(for connection: ClientConnection) -> Exchange {
        let storage: Stored<ExchangeStorage>
        if let kept = spare {
            spare = kept.value.next
            spareCount -= 1
            storage = kept
        } else {
            storage = makeStorage()
        }
        unsafe storage.value.connection = Unretained(unchecked: connection)
        return Exchange(storage)
    }

    @inline(never)
    private func makeStorage() -> Stored<ExchangeStorage> {
        Stored.allocate(ExchangeStorage(limits.head))
    }

    @inline(__always)
    func giveBack(_ exchange: Exchange, keepingUpTo limit: Int = spareLimit) {
        let storage = exchange.storage
        if storage.value.pending != nil { exchange.leavePending() }
        storage.value.clear()
        if spareCount < limit, storage.value.limits == limits.head {
            storage.value.next = spare
            spare = storage
            spareCount += 1
        } else {
            discard(storage)
        }
    }

    @inline(never)
    private func discard(_ storage: Stored<ExchangeStorage>) {
        unsafe storage.uncheckedDeallocate()
    }

    /// `Date: …` with its CRLF (RFC 9110 §6.6.1), updated once a second.
    @inline(__always)
    var dateField: ByteView {
        if worker.wallSeconds != dateSeconds {
            dateSeconds = worker.wallSeconds
            HTTPDate.write(unixSeconds: dateSeconds, to: date.room[6...])
        }
        return date.view
    }
}
