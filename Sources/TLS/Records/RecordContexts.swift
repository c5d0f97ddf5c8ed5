import COpenSSL
import Memory

/// The cipher contexts of one worker for one direction, which its connections share.
///
/// A context takes nearly a kilobyte, and setting its key as long as encrypting a short record. So connections that
/// write often have one each, and the many that wait have none.
@safe
final class RecordContexts {
    /// At most; a power of two.
    static let limit = 64

    /// A connection's reservation of a context, until another connection needs it.
    struct Reservation: BitwiseCopyable {
        /// The index is in the low bits; no two reservations of a worker have the same number. 0 for none.
        fileprivate var number: UInt64 = 0

        fileprivate var place: Int { Int(truncatingIfNeeded: number) & (limit - 1) }
    }

    private struct Place {
        /// Nil when no key is set.
        var context: CipherContext?
        /// The number of the reservation whose key is set; `free`, which no reservation has, if none is.
        var reservation = free
        /// The cipher that the context is created for.
        var cipher: RecordCipher?
        /// Whether it was used again since the clock hand passed it.
        var isUsedAgain = false
    }

    private static let free = UInt64.max

    enum Direction {
        case opening, sealing
    }

    let expander = LabelExpander()
    private let direction: Direction
    private var places: [Place] = []
    /// The index that was taken last (the hand of a clock algorithm).
    private var hand = 0
    private var reservations: UInt64 = 0

    init(for direction: Direction) {
        self.direction = direction
    }

    deinit {
        for place in places { unsafe place.context?.uncheckedFree() }
    }

    /// The current number of contexts.
    var count: Int { places.count }

    /// The context that has the key of this reservation; nil when another connection has it now.
    @inline(__always)
    func context(of reservation: Reservation) -> CipherContext? {
        let place = reservation.place
        guard place < places.count, places[place].reservation == reservation.number else { return nil }
        places[place].isUsedAgain = true
        return places[place].context
    }

    /// Sets the key of a context, for one record and, while no other connection needs it, those after it; nil when
    /// OpenSSL cannot.
    ///
    /// - Parameter former: the reservation that was lost; the empty one if there was none.
    func key(
        _ cipher: RecordCipher, with key: ByteView, replacing former: Reservation
    ) -> (context: CipherContext, reservation: Reservation)? {
        guard let number = former.number == 0 ? placeToShare() : addPlace() ?? placeToShare() else { return nil }
        if places[number].cipher != cipher { empty(number) }
        places[number].reservation = Self.free
        let made = places[number].context ?? cipher.implementation.flatMap { CipherContext($0) }
        guard let context = made else { return nil }
        places[number].context = context
        places[number].cipher = cipher
        guard context.setKey(key, isSealing: direction == .sealing) else {
            empty(number)
            return nil
        }
        reservations += 1
        let reservation = Reservation(number: reservations * UInt64(Self.limit) + UInt64(number))
        places[number].reservation = reservation.number
        return (context, reservation)
    }

    /// A context that has not been used again lately, or else a new one, or the next.
    private func placeToShare() -> Int? {
        for _ in places.indices {
            hand = (hand + 1) % places.count
            if !places[hand].isUsedAgain { return hand }
            places[hand].isUsedAgain = false
        }
        return addPlace() ?? (places.isEmpty ? nil : hand)
    }

    private func addPlace() -> Int? {
        guard places.count < Self.limit else { return nil }
        places.append(Place())
        return places.count - 1
    }

    /// Wipes the context, if it still has the key of this reservation.
    func end(_ reservation: Reservation) {
        let place = reservation.place
        guard place < places.count, places[place].reservation == reservation.number else { return }
        empty(place)
        places[place].isUsedAgain = false
    }

    /// Frees the context, and wipes its key with it.
    private func empty(_ place: Int) {
        unsafe places[place].context?.uncheckedFree()
        places[place].context = nil
        places[place].reservation = Self.free
        places[place].cipher = nil
    }
}

/// The contexts of one worker for both directions.
final class ConnectionContexts {
    let sealing = RecordContexts(for: .sealing)
    let opening = RecordContexts(for: .opening)
}
