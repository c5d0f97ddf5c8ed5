import CZlib
import HTTP
import Memory

/// Decodes a request body that is coded with gzip or deflate, within limits.
@safe
package final class BodyInflater: BodyDecoder {
    private let stream: UnsafeMutablePointer<z_stream>
    private let room = OwnedBytes(count: roomSize)
    private let coding: ContentCoding
    private let limits: InflationLimits
    private let pool: CompressionPool
    /// Bytes of input and bytes of output.
    private var supplied: UInt64 = 0
    private var produced: UInt64 = 0
    /// The stream is at the end of a member (RFC 1952 §2.2).
    private var isAtEnd = false
    /// The buffer was filled, so that the input already taken may yield more.
    private var mayHaveMore = false
    package private(set) var hasEnded = false
    package var remaining: UInt64? { hasEnded ? 0 : nil }

    private static let roomSize = 16 << 10
    /// A window of 32 KiB with the decoder's tables, and the buffer.
    static let memory = 64 << 10

    /// Nil if there is not enough memory.
    init?(_ coding: ContentCoding, _ limits: InflationLimits, pool: CompressionPool) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        self.coding = coding
        self.limits = limits
        self.pool = pool
        let outcome = unsafe CZlib_inflateInit2(stream, coding == .gzip ? 31 : 15)
        guard outcome == Z_OK else { return nil }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    package func supply(_ bytes: ByteView) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.octets)
        unsafe stream.pointee.avail_in = UInt32(bytes.count)
        supplied += UInt64(bytes.count)
    }

    package func next() throws(RequestRejection) -> ByteView? {
        while unsafe stream.pointee.avail_in > 0 || mayHaveMore {
            if isAtEnd {
                // A gzip file may have several members; nothing may follow the end of the deflate format.
                guard coding == .gzip, unsafe inflateReset(stream) == Z_OK else { throw .invalidBodyCoding }
                isAtEnd = false
            }
            unsafe stream.pointee.next_out = room.room.octets
            unsafe stream.pointee.avail_out = UInt32(room.count)
            let outcome = unsafe inflate(stream, Z_NO_FLUSH)
            let count = unsafe room.count - Int(stream.pointee.avail_out)
            isAtEnd = outcome == Z_STREAM_END
            mayHaveMore = !isAtEnd && count == room.count
            guard isAtEnd || outcome == Z_OK || outcome == Z_BUF_ERROR else { throw .invalidBodyCoding }
            guard count > 0 else { continue }
            produced += UInt64(count)
            if produced > limits.size { throw .bodyTooLarge }
            if produced > InflationLimits.freeSize, produced / limits.ratio >= supplied { throw .bodyExpandsTooMuch }
            return room.view[..<count]
        }
        return nil
    }

    package func finish() throws(RequestRejection) {
        guard isAtEnd else { throw .invalidBodyCoding }
        hasEnded = true
    }

    package func release() {
        pool.release(Self.memory)
    }
}

/// Limits on the decoded size of a body: a small body that expands without end is an attack on memory and time.
package struct InflationLimits: Sendable, Equatable {
    /// Bytes of content.
    package var size: UInt64
    /// Bytes of content for each byte of the coded body, beyond `freeSize`.
    package var ratio: UInt64

    /// The size up to which the ratio is not checked.
    static let freeSize: UInt64 = 1 << 20

    package init(size: UInt64, ratio: UInt64) {
        self.size = size
        self.ratio = ratio
    }
}

extension CompressionPool {
    /// A decoder for one body; nil if there is not enough memory.
    package func takeInflater(_ coding: ContentCoding, _ limits: InflationLimits) -> BodyInflater? {
        guard claim(BodyInflater.memory) else { return nil }
        guard let inflater = BodyInflater(coding, limits, pool: self) else {
            release(BodyInflater.memory)
            return nil
        }
        return inflater
    }
}
