/// The largest window there is (RFC 9113 §6.9.1).
package enum FlowControl {
    package static var largestWindow: Int { 1 << 31 - 1 }
    /// What a window is as long as nobody has said otherwise (§6.9.2).
    package static var initialWindow: Int { 65_535 }
}

/// How much we may send, on one stream or on all; below 0 after the peer has made it smaller (RFC 9113 §6.9.2).
package struct SendWindow: BitwiseCopyable, Equatable, Sendable {
    package private(set) var size: Int

    package init(_ size: Int) { self.size = size }

    /// Heeds a WINDOW_UPDATE or a change of the setting; false when the window would become too large.
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

/// How much the peer may send, on one stream or on all: given back as the bytes are used, not as they come.
package struct ReceiveWindow: BitwiseCopyable, Equatable, Sendable {
    /// What the window is when everything received has been used.
    private var target: Int32
    /// What the peer may still send; below 0 after the window was made smaller.
    private var open: Int32
    /// Bytes used of which the peer has not been told.
    private var used: Int32 = 0

    package init(_ size: Int) {
        target = Int32(size)
        open = Int32(size)
    }

    package var remaining: Int { Int(open) }
    package var size: Int { Int(target) }
    /// Bytes received that nobody has used.
    package var held: Int { Int(target) - Int(open) - Int(used) }

    /// Takes bytes of DATA frames, padding included; false when they are more than the window allows.
    @inline(__always)
    package mutating func receive(_ count: Int) -> Bool {
        guard count <= Int(open) || count == 0 else { return false }
        open -= Int32(truncatingIfNeeded: count)
        return true
    }

    /// Takes back bytes that were used; the increment to tell the peer, once it is a quarter of the window: so the window
    /// has to be a quarter larger than what is on its way.
    @inline(__always)
    package mutating func use(_ count: Int) -> Int? {
        used += Int32(truncatingIfNeeded: count)
        assert(used <= target - open)
        guard Int(used) * 4 >= Int(target), used > 0 else { return nil }
        let increment = used
        open += increment
        used = 0
        return Int(increment)
    }

    /// Makes the window larger; the increment to tell the peer, together with what was used.
    package mutating func grow(to size: Int) -> Int? {
        guard size > Int(target) else { return nil }
        let increment = Int32(size) - target + used
        target = Int32(size)
        open += increment
        used = 0
        return Int(increment)
    }

    /// Makes the window smaller, as the peer does when it heeds a setting; the increment to tell it of what was used.
    package mutating func shrink(by count: Int) -> Int? {
        target -= Int32(count)
        open -= Int32(count)
        return use(0)
    }
}

/// What all uploads of a connection share: how much more than the first window each may have.
///
/// One that finds everything shared out goes on with the first window; what it was given comes back with its end. Each is
/// given no more than four fifths of what is left, so that an upload that stands still never takes the rest from others.
package struct UploadBudget: BitwiseCopyable, Equatable, Sendable {
    package private(set) var left: Int
    private let largestShare: Int

    package init(_ size: Int, largestShare: Int) {
        left = size
        self.largestShare = largestShare
    }

    /// A share for an upload that may have at most `length` more bytes.
    package mutating func take(upTo length: Int) -> Int {
        let share = min(left * 4 / 5, largestShare, max(length, 0))
        left -= share
        return share
    }

    package mutating func giveBack(_ share: Int) { left += share }
}
