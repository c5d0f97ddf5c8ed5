/// Limits how many requests may be sent again: a share of all requests, with a reserve for times with few requests.
///
/// Without it, servers that fail under load would receive twice the load of those that do not.
struct RetryBudget {
    /// The available retries, in hundredths.
    private var balance: Int
    private let share: Int

    /// The maximum of saved retries.
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
