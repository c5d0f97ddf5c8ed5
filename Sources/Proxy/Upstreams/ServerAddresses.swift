import Transport

/// The addresses of one server: which is tried first for the next connection, and which has failed.
struct ServerAddresses {
    private(set) var all: [SocketAddress]
    /// Until then the address at the same index is tried after all others.
    private var avoidedUntil: [Deadline]
    private var next = 0

    /// How long an address that failed is tried last.
    static let avoidance = Delay.seconds(30)

    init(_ addresses: [SocketAddress]) {
        all = addresses
        avoidedUntil = Array(repeating: Deadline(milliseconds: 0), count: addresses.count)
    }

    /// Switches to other addresses; the state of those that stay is kept.
    mutating func replace(with addresses: [SocketAddress]) {
        let known = zip(all, avoidedUntil).map { ($0, $1) }
        all = addresses
        avoidedUntil = addresses.map { address in
            known.first { $0.0.ip == address.ip && $0.0.port == address.port }?.1 ?? Deadline(milliseconds: 0)
        }
    }

    /// The indices of the addresses in the order in which one connection tries them: each is first in turn, and those
    /// that failed recently are last.
    mutating func takeOrder(at now: Deadline) -> [Int] {
        guard !all.isEmpty else { return [] }
        let start = next < all.count ? next : 0
        next = start + 1
        let turns = all.indices.map { ($0 + start) % all.count }
        return turns.filter { avoidedUntil[$0] <= now } + turns.filter { avoidedUntil[$0] > now }
    }

    /// When to continue with the next of `left` addresses, this one included, so that each has its share of the time.
    static func turnEnd(of deadline: Deadline, at now: Deadline, left: Int) -> Deadline {
        guard now < deadline else { return deadline }
        return now.advanced(by: .milliseconds((deadline.milliseconds - now.milliseconds) / UInt64(max(left, 1))))
    }

    mutating func noteFailure(of place: Int, at now: Deadline) {
        guard place < all.count else { return }
        avoidedUntil[place] = now.advanced(by: Self.avoidance)
    }
}
