/// The limits of flow-control windows (RFC 9113 §6.9.1).
package enum FlowControl {
    package static var largestWindow: Int { 1 << 31 - 1 }
    /// The default initial window (§6.9.2).
    package static var initialWindow: Int { 65_535 }
}

/// How much the gateway may send, on one stream or on the connection; below 0 after the peer has reduced it (RFC 9113
/// §6.9.2).
package struct SendWindow: BitwiseCopyable, Equatable, Sendable {
    package private(set) var size: Int

    package init(_ size: Int) { self.size = size }

    /// Applies a WINDOW_UPDATE or a change of the setting; false if the window would become too large.
    package mutating func change(by count: Int) -> Bool {
        guard size + count <= FlowControl.largestWindow else { return false }
        size += count
        return true
    }

    @inline(__always)
    package mutating func send(_ count: Int) {
        precondition(count <= size || count == 0, "more than the window allows")
        size -= count
    }
}

/// How much the peer may send, on one stream or on the connection. Credit is returned when the bytes are used, not when
/// they are received.
package struct ReceiveWindow: BitwiseCopyable, Equatable, Sendable {
    /// The size of the window when everything received has been used.
    private var target: Int32
    /// What the peer may still send; below 0 after the window was reduced.
    private var open: Int32
    /// The number of used bytes for which no credit has been sent.
    private var used: Int32 = 0

    package init(_ size: Int) {
        target = Int32(size)
        open = Int32(size)
    }

    /// The number of used bytes after which credit is sent in any case.
    private static let largestCredit: Int32 = 64 << 10

    package var remaining: Int { Int(open) }
    package var size: Int { Int(target) }
    /// The number of received bytes that have not been used.
    package var held: Int { Int(target) - Int(open) - Int(used) }

    /// Accounts for bytes of DATA frames, including padding; false if they exceed the window.
    @inline(__always)
    package mutating func receive(_ count: Int) -> Bool {
        guard count <= Int(open) || count == 0 else { return false }
        open -= Int32(truncatingIfNeeded: count)
        return true
    }

    /// Accounts for used bytes; returns the increment to send to the peer, once it is a quarter of the window or 64 KiB.
    /// The window must be larger by this than the bytes in flight.
    @inline(__always)
    package mutating func use(_ count: Int) -> Int? {
        used += Int32(truncatingIfNeeded: count)
        assert(used <= target - open)
        guard used >= min(target >> 2, Self.largestCredit), used > 0 else { return nil }
        let increment = used
        open += increment
        used = 0
        return Int(increment)
    }

    /// Enlarges the window; returns the increment to send to the peer, including the used bytes.
    package mutating func grow(to size: Int) -> Int? {
        guard size > Int(target) else { return nil }
        let increment = Int32(size) - target + used
        target = Int32(size)
        open += increment
        used = 0
        return Int(increment)
    }

    /// Reduces the window, as the peer does when it applies a setting; returns the increment to send for used bytes.
    package mutating func shrink(by count: Int) -> Int? {
        target -= Int32(count)
        open -= Int32(count)
        return use(0)
    }
}

/// The budget that all uploads of a connection share: how much each window may exceed the initial one.
///
/// An upload that finds the budget exhausted continues with the initial window; a share is returned when its upload
/// ends. Each upload gets at most five sixths of the rest, so that a stalled upload never takes all of it from others.
package struct UploadBudget: BitwiseCopyable, Equatable, Sendable {
    package private(set) var left: Int
    private let largestShare: Int

    package init(_ size: Int, largestShare: Int) {
        left = size
        self.largestShare = largestShare
    }

    /// The share of an upload that may have at most `length` more bytes.
    package mutating func take(upTo length: Int) -> Int {
        let share = min(left * 5 / 6, largestShare, max(length, 0))
        left -= share
        return share
    }

    package mutating func giveBack(_ share: Int) { left += share }
}
