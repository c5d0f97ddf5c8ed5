/// The deadline of a response that its client accepts slowly.
///
/// If every octet extended the deadline, a client could keep a response open forever by opening its window octet by
/// octet. This deadline is only extended according to a minimum number of bytes per second in the long term.
package struct ResponseProgress: BitwiseCopyable, Equatable, Sendable {
    /// In milliseconds.
    package private(set) var deadline: Int64
    private var begun: Int64
    private let patience: Int64
    private let bytesPerSecond: Int64
    private var moved: Int64 = 0

    /// - Parameters:
    ///   - now, patience: in milliseconds; the response must make progress within `patience`.
    ///   - bytesPerSecond: the rate at which the client must accept the response after `patience`.
    package init(now: Int64, patience: Int64, bytesPerSecond: Int) {
        begun = now
        self.patience = patience
        self.bytesPerSecond = Int64(max(bytesPerSecond, 1))
        deadline = now + patience
    }

    /// Accounts for bytes of the response for which the client's window had room.
    package mutating func move(_ count: Int, now: Int64) {
        moved += Int64(count)
        // Sending quickly extends the deadline to at most the time that a new response would get.
        let owed = begun + patience + moved * 1000 / bytesPerSecond
        let newest = now + patience
        if owed > newest {
            deadline = newest
            begun = now
            moved = 0
        } else {
            deadline = owed
        }
    }

    package func isOver(now: Int64) -> Bool { now >= deadline }
}
