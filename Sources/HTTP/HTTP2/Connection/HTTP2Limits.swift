/// The limits of one HTTP/2 connection.
package struct HTTP2Limits: Equatable, Sendable {
    /// For each request; every field adds 32 bytes to the size of the head (RFC 9113 §6.5.2).
    package var head = HeadLimits()
    package var maximumStreams = 128
    /// The sizes in bytes of the decoder's dynamic table, and of the encoder's, which the peer mirrors.
    package var headerTable = 4096
    package var encoderTable = 4096
    /// The number of CONTINUATION frames of one field block; browsers and proxies need one or two.
    package var maximumContinuations = 16
    /// The initial window of each stream in bytes.
    package var initialWindow = FlowControl.initialWindow
    /// The maximum number of bytes of all uploads that a connection buffers. At 100 Mb/s and 100 ms, 1.25 MB are in
    /// flight, and credit for used bytes is sent up to 64 KiB late. One upload gets five sixths of this and the initial
    /// window of its stream, 1.38 MB. With the heads of requests and the output that a connection may keep, 288 and 160 KiB,
    /// this is 2 MiB.
    package var connectionWindow = 1600 << 10
    /// The maximum window of one upload in bytes, if other uploads leave that much.
    package var largestWindow = 1536 << 10
    package var floods = FloodLimits()

    package init() {}
}

/// The limits that many connections refer to.
package final class SharedHTTP2Limits: Sendable {
    package let limits: HTTP2Limits

    package init(_ limits: HTTP2Limits) { self.limits = limits }
}

/// The values of the peer's SETTINGS, or the defaults of the protocol until they arrive (RFC 9113 §6.5.2).
struct PeerSettings: BitwiseCopyable, Equatable {
    var initialWindow = FlowControl.initialWindow
    var maximumFrame = FrameHeader.defaultMaximumLength
}
