/// How many requests may be sent again: a share of all requests, with some in hand for quiet times.
///
/// Without it, servers that fail under load would be asked twice as often as those that do not.
struct RetryBudget {
    /// Hundredths of a retry in hand.
    private var balance: Int
    private let share: Int

    /// Retries that can be saved up.
    private static let reserve = 10

    /// - Parameter share: retries that a hundred requests earn; from 100 on, every request may be sent again.
    init(share: Int) {
        self.share = share
        balance = share == 0 ? 0 : Self.reserve * 100
    }

    mutating func noteRequest() {
        balance = min(balance + share, Self.reserve * 100)
    }

    /// Whether one more request may be sent again.
    mutating func spend() -> Bool {
        if share >= 100 { return true }
        guard balance >= 100 else { return false }
        balance -= 100
        return true
    }
}
