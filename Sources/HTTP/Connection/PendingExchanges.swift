/// The requests of a worker that handlers are answering; an exchange is in at most one such list, and leaves it when it
/// has ended.
package final class PendingExchanges {
    /// In no particular order.
    package private(set) var exchanges: [Exchange] = []

    package init() {}

    package func add(_ exchange: Exchange) {
        guard exchange.storage.value.pending == nil else { return }
        exchange.storage.value.pending = self
        exchange.storage.value.pendingPlace = UInt32(exchanges.count)
        exchanges.append(exchange)
    }

    /// The last one takes its place.
    fileprivate func remove(at place: Int) {
        let last = exchanges.removeLast()
        guard place < exchanges.count else { return }
        exchanges[place] = last
        last.storage.value.pendingPlace = UInt32(place)
    }
}

extension Exchange {
    /// The exchange is not in progress any more.
    @inline(never)
    func leavePending() {
        guard let list = storage.value.pending.take() else { return }
        list.remove(at: Int(storage.value.pendingPlace))
    }
}
