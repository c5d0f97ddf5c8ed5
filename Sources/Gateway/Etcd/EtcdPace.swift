import Transport

/// Which member is asked next after a failure, and when: the others at once, all of them again after a pause that grows.
struct EtcdPace: Equatable, Sendable {
    private let members: Int
    /// The index of the member to ask.
    private(set) var member: Int
    /// Attempts that have ended since one lasted.
    private var failures = 0
    /// Attempts in a row in which nothing was learned.
    private var fruitless = 0

    /// The first pause; doubled after each round.
    static let shortest = Delay.milliseconds(250)
    /// So that a gateway is back soon after etcd is, and hundreds of gateways do not keep it busy.
    static let longest = Delay.seconds(10)

    /// - Parameter first: the member to ask first.
    init(members: Int, first: Int) {
        self.members = max(members, 1)
        member = first % self.members
    }

    /// Whether every member has been asked in vain.
    var isLost: Bool { fruitless >= members }

    /// Something was learned.
    mutating func succeeded() { fruitless = 0 }

    /// Something was learned again, without another attempt.
    mutating func lasted() { failures = 0 }

    /// The attempt has ended.
    ///
    /// - Parameters:
    ///   - isFruitless: whether nothing was learned in it.
    ///   - chance: from 0 to 1, which makes gateways that have failed together try again at different times.
    /// - Returns: how long to wait before the next one.
    mutating func failed(isFruitless: Bool, chance: Double) -> Delay {
        if isFruitless { fruitless = min(fruitless + 1, members) }
        failures += 1
        member = (member + 1) % members
        let (rounds, others) = failures.quotientAndRemainder(dividingBy: members)
        guard others == 0 else { return .milliseconds(0) }
        let whole = min(Self.shortest.milliseconds << UInt64(min(rounds - 1, 10)), Self.longest.milliseconds)
        return .milliseconds(whole / 2 + UInt64(Double(whole) / 2 * chance))
    }
}
