import Memory

/// The fields that were sent before, and the dynamic table entry of each: a small hash table, in which newer fields
/// replace older ones.
///
/// A forgotten field is sent as a literal again; correctness does not depend on this table.
@safe
struct SeenFields: ~Copyable {
    private struct Place: BitwiseCopyable {
        var hash: UInt32
        /// The entry's number in the order of `DynamicTable.inserted`; 0 for a field without an entry.
        var number: UInt32
    }

    enum Result {
        case new
        case seen
        /// Its index in the dynamic table; the line still has to be compared.
        case entry(Int)
    }

    private static var count: Int { 64 }
    private var places = Table<Place>()

    init() {}

    mutating func removeAll() {
        places = Table()
    }

    @inline(__always)
    func look(for hash: UInt32, in table: borrowing DynamicTable) -> Result {
        guard !places.isEmpty else { return .new }
        let first = Int(hash) & (Self.count - 1)
        let place: Place
        if places[first].hash == hash {
            place = places[first]
        } else if places[first ^ 1].hash == hash {
            place = places[first ^ 1]
        } else {
            return .new
        }
        let age = Int(table.inserted &- place.number)
        return place.number != 0 && age < table.count ? .entry(age + 1) : .seen
    }

    mutating func note(_ hash: UInt32, number: UInt32, in table: borrowing DynamicTable) {
        if places.isEmpty { places = Table(repeating: Place(hash: 0, number: 0), count: Self.count) }
        let first = Int(hash) & (Self.count - 1)
        let second = first ^ 1
        // The bucket with this hash, or one without an entry, or the first.
        let isFirst =
            places[first].hash == hash
            || places[second].hash != hash
                && (!isEntry(places[first], table) || isEntry(places[second], table))
        places[isFirst ? first : second] = Place(hash: hash, number: number)
    }

    private func isEntry(_ place: Place, _ table: borrowing DynamicTable) -> Bool {
        place.number != 0 && Int(table.inserted &- place.number) < table.count
    }

    /// A hash of a line, which must have at least four bytes.
    @inline(__always)
    static func hash(_ line: ByteView) -> UInt32 {
        precondition(line.count >= 4, "a line has at least four bytes")
        let bytes = unsafe line.baseAddress.unsafelyUnwrapped
        var hash = UInt64(truncatingIfNeeded: line.count)
        func mix(_ word: UInt64) {
            hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash &>> 29
        }
        if line.count >= 8 {
            var offset = 0
            while offset < line.count - 8 {
                mix(unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            mix(unsafe bytes.loadUnaligned(fromByteOffset: line.count - 8, as: UInt64.self))
        } else {
            mix(UInt64(line.load(at: 0, as: UInt32.self)))
            mix(UInt64(line.load(at: line.count - 4, as: UInt32.self)))
        }
        // 0 marks an empty bucket.
        return UInt32(truncatingIfNeeded: hash >> 32) | 1 << 31
    }

    /// Whether two lines of equal length are equal.
    @inline(__always)
    static func isEqual(_ line: ByteView, _ other: ByteView) -> Bool {
        precondition(line.count == other.count, "lines of equal length")
        let (one, two) = unsafe (line.baseAddress.unsafelyUnwrapped, other.baseAddress.unsafelyUnwrapped)
        func differ(at offset: Int) -> Bool {
            unsafe one.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != two.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        guard line.count >= 8 else { return line.elementsEqual(other) }
        var offset = 0
        while offset < line.count - 8 {
            if differ(at: offset) { return false }
            offset += 8
        }
        return !differ(at: line.count - 8)
    }
}
