import Transport

/// The state that the connections of one worker and one listener share: limits, router, spare exchanges, the Date
/// field.
@safe
package final class HTTPService {
    package let worker: Worker
    /// The limits of requests that begin from now on.
    package var limits: ConnectionLimits {
        didSet {
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
    var requestIDGenerator = RequestIDGenerator()
    private var assembly: SharedRequestAssembly?
    private var spare: UnsafeMutablePointer<ExchangeStorage>?
    private var spareCount = 0
    private var date = UnsafeMutableRawBufferPointer.allocate(byteCount: dateLine.count, alignment: 1)
    private var dateSeconds = Int64.min

    /// The maximum number of exchanges kept for further requests; the memory of others is released.
    private static let spareLimit = 64
    private static let dateLine = Array("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n".utf8)

    package init(worker: Worker, limits: ConnectionLimits, router: any RequestRouter) {
        self.worker = worker
        self.limits = limits
        self.router = router
        unsafe date.copyBytes(from: Self.dateLine)
    }

    deinit {
        discardSpares()
        unsafe date.deallocate()
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
    var http2Limits: HTTP2Limits {
        var limits = self.limits.http2
        limits.head = self.limits.head
        return limits
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
        exchange.withConnection { connection in
            if connection.successor == nil {
                router.finished(exchange)
            } else {
                connection.successionObserver = router.switched(exchange)
            }
        }
    }

    private func discardSpares() {
        while let storage = unsafe spare {
            unsafe spare = storage.pointee.next
            unsafe discard(storage)
        }
        spareCount = 0
    }

    @inline(__always)
    func rent(for connection: ClientConnection) -> Exchange {
        let storage: UnsafeMutablePointer<ExchangeStorage>
        if let kept = unsafe spare {
            unsafe spare = kept.pointee.next
            spareCount -= 1
            unsafe storage = kept
        } else {
            unsafe storage = makeStorage()
        }
        unsafe storage.pointee.connection = .passUnretained(connection)
        return unsafe Exchange(storage)
    }

    @inline(never)
    private func makeStorage() -> UnsafeMutablePointer<ExchangeStorage> {
        let storage = UnsafeMutablePointer<ExchangeStorage>.allocate(capacity: 1)
        unsafe storage.initialize(to: ExchangeStorage(limits.head))
        return unsafe storage
    }

    @inline(__always)
    func giveBack(_ exchange: Exchange) {
        let storage = unsafe exchange.storage
        unsafe storage.pointee.clear()
        if spareCount < Self.spareLimit, unsafe storage.pointee.limits == limits.head {
            unsafe storage.pointee.next = spare
            unsafe spare = storage
            spareCount += 1
        } else {
            unsafe discard(storage)
        }
    }

    @inline(never)
    private func discard(_ storage: UnsafeMutablePointer<ExchangeStorage>) {
        unsafe storage.deinitialize(count: 1)
        unsafe storage.deallocate()
    }

    /// `Date: …` with its CRLF (RFC 9110 §6.6.1), updated once a second.
    @inline(__always)
    var dateField: UnsafeRawBufferPointer {
        if worker.wallSeconds != dateSeconds {
            dateSeconds = worker.wallSeconds
            unsafe HTTPDate.write(unixSeconds: dateSeconds, to: date.baseAddress! + 6)
        }
        return unsafe UnsafeRawBufferPointer(date)
    }
}
