/// The end that a response has, however slowly its client takes it.
///
/// A deadline that every octet pushed on would let a client hold a response for ever by opening its window octet by
/// octet. This one moves only with so many bytes a second in the long run.
package struct ResponseProgress: BitwiseCopyable, Equatable, Sendable {
    /// In milliseconds.
    package private(set) var deadline: Int64
    private var begun: Int64
    private let patience: Int64
    private let bytesPerSecond: Int64
    private var moved: Int64 = 0

    /// - Parameters:
    ///   - now, patience: in milliseconds; the response has to move within `patience`.
    ///   - bytesPerSecond: what the client has to take, once `patience` is over.
    package init(now: Int64, patience: Int64, bytesPerSecond: Int) {
        begun = now
        self.patience = patience
        self.bytesPerSecond = Int64(max(bytesPerSecond, 1))
        deadline = now + patience
    }

    /// Notes bytes of the response that the client's window had room for.
    package mutating func move(_ count: Int, now: Int64) {
        moved += Int64(count)
        // What was sent quickly does not buy more than the time it would be owed anew.
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
