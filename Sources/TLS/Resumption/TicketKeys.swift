import Memory

/// A key that session tickets are encrypted and authenticated with, 80 bytes in nginx's format.
struct TicketKey: Equatable, Sendable {
    /// The format's size in bytes: a name of 16, an HMAC-SHA-256 key of 32, an AES-256 key of 32.
    static let size = 80

    let bytes: [UInt8]

    init(_ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count == Self.size)
        self.bytes = Array(bytes)
    }

    static func random() -> TicketKey {
        var bytes = [UInt8](repeating: 0, count: size)
        precondition(bytes.withMutableBytes { $0.randomize() }, "the system gives random bytes")
        return TicketKey(bytes[...])
    }

    /// The beginning of every ticket, which identifies its key.
    var name: ArraySlice<UInt8> { bytes[..<16] }
    var authentication: ArraySlice<UInt8> { bytes[16..<48] }
    var encryption: ArraySlice<UInt8> { bytes[48...] }
}

/// The keys of one listener: one for new tickets and older ones that still open theirs.
struct TicketKeys: Equatable, Sendable {
    /// How many older keys are kept.
    static let keptKeys = 2
    /// How long a key is used for new tickets, in seconds: a stolen key opens the tickets of a day and a half.
    static let period: Int64 = 12 * 60 * 60

    /// The current one first.
    private(set) var keys: [TicketKey]
    private var changed: Timestamp

    init(at now: Timestamp) {
        keys = [.random()]
        changed = now
    }

    /// Keys that several machines share; nil unless there are one to three.
    init?(file: [UInt8]) {
        let count = file.count / TicketKey.size
        guard (1...1 + Self.keptKeys).contains(count), file.count.isMultiple(of: TicketKey.size) else { return nil }
        keys = (0..<count).map { TicketKey(file[$0 * TicketKey.size..<($0 + 1) * TicketKey.size]) }
        changed = Timestamp(seconds: 0)
    }

    /// Generates a new current key when the present one has been in use for its period.
    mutating func rotate(at now: Timestamp) {
        let periods = (now.seconds - changed.seconds) / Self.period
        guard periods >= 1 else { return }
        changed = now
        // After a pause longer than a period the older keys have expired too.
        let kept = max(0, Self.keptKeys + 1 - Int(clamping: periods))
        keys = [.random()] + keys.prefix(kept)
    }

    /// The key of this name, and whether it is the current one.
    func find(_ name: some Sequence<UInt8>) -> (key: TicketKey, isCurrent: Bool)? {
        guard let index = keys.firstIndex(where: { $0.name.elementsEqual(name) }) else { return nil }
        return (keys[index], index == 0)
    }
}
