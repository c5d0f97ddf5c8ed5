/// What one connection of HTTP/2 may take.
package struct HTTP2Limits: Equatable, Sendable {
    /// Of each request; the size of the whole head counts 32 bytes more for each field (RFC 9113 §6.5.2).
    package var head = HeadLimits()
    package var maximumStreams = 128
    /// Bytes of the peer's dynamic table that we keep, and of ours that the peer keeps.
    package var headerTable = 4096
    package var encoderTable = 4096
    /// CONTINUATION frames of one field block, which browsers and proxies need one or two of.
    package var maximumContinuations = 16
    /// Bytes of the window each stream begins with.
    package var initialWindow = FlowControl.initialWindow
    /// Bytes of all uploads that a connection holds at most. 1.25 MB are on their way at 100 Mb/s and 100 ms, and the
    /// client hears of what was used a quarter of a window late; one upload, which gets four fifths of this and what its
    /// stream began with, 1.47 MB, keeps such a line nearly full.
    package var connectionWindow = 1792 << 10
    /// Bytes of the window of one upload, as long as others leave it that much.
    package var largestWindow = 1536 << 10
    package var floods = FloodLimits()

    package init() {}
}

/// What the peer's SETTINGS say, or the protocol as long as they do not (RFC 9113 §6.5.2).
struct PeerSettings: BitwiseCopyable, Equatable {
    var initialWindow = FlowControl.initialWindow
    var maximumFrame = FrameHeader.defaultMaximumLength
}
