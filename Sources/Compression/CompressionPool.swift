import HTTP
import Memory

/// The coders of one worker, lent to one response after the other; used on its thread only.
///
/// All their memory counts towards one limit. Beyond it responses are sent uncompressed.
@safe
package final class CompressionPool {
    /// Bytes.
    package var memoryLimit: Int
    /// Bytes in use or kept.
    package private(set) var memory = 0
    private var spareStreams: [CodingStream] = []
    private var spareCoders: [ContentCoder] = []
    private var wholeCompressors: [WholeCompressor] = []
    /// The output buffer of streams.
    let room = OwnedBytes(count: roomSize)
    /// The output buffer for whole bodies.
    private var wholeRoom = OwnedBytes(count: roomSize)

    private static let roomSize = 64 << 10
    /// A larger buffer for whole bodies is not kept.
    private static let keptRoomSize = 512 << 10
    private static let spareStreamLimit = 8
    private static let spareCoderLimit = 64

    package init(memoryLimit: Int) {
        self.memoryLimit = memoryLimit
    }

    // MARK: Coders of responses

    func takeCoder() -> ContentCoder {
        spareCoders.popLast() ?? ContentCoder(self)
    }

    func giveBack(_ coder: ContentCoder) {
        if spareCoders.count < Self.spareCoderLimit { spareCoders.append(coder) }
    }

    // MARK: Streams

    /// Nil if there is not enough memory.
    func takeStream(_ coding: ContentCoding, level: Int) -> CodingStream? {
        if let index = spareStreams.lastIndex(where: { $0.coding == coding && $0.level == level }) {
            return spareStreams.remove(at: index)
        }
        let needed = CodingStream.memory(of: coding, level: level)
        while memory + needed > memoryLimit, let spare = spareStreams.popLast() { release(spare.memory) }
        guard claim(needed) else { return nil }
        guard let stream = CodingStream.make(coding, level: level) else {
            release(needed)
            return nil
        }
        return stream
    }

    func giveBack(_ stream: CodingStream) {
        if spareStreams.count < Self.spareStreamLimit, memory <= memoryLimit, stream.reset() {
            spareStreams.append(stream)
        } else {
            release(stream.memory)
        }
    }

    /// Counts `bytes` as used; false, with nothing counted, when that exceeds the limit.
    func claim(_ bytes: Int) -> Bool {
        guard memory + bytes <= memoryLimit else { return false }
        memory += bytes
        return true
    }

    func release(_ bytes: Int) {
        memory -= bytes
    }

    // MARK: Whole bodies

    /// `bytes` coded, valid until the next call; nil if there is not enough memory.
    package func codeWhole(
        _ bytes: ByteView, _ coding: ContentCoding, level: Int
    ) -> ByteView? {
        switch coding {
        case .gzip, .deflate:
            guard let compressor = compressor(level) else { return nil }
            makeWholeRoom(compressor.bound(bytes.count, coding))
            let count = compressor.code(bytes, coding, into: wholeRoom.room)
            return wholeRoom.view[..<count]
        case .brotli, .zstd:
            return codeWholeByStream(bytes, coding, level: level)
        }
    }

    private func codeWholeByStream(
        _ bytes: ByteView, _ coding: ContentCoding, level: Int
    ) -> ByteView? {
        guard let stream = takeStream(coding, level: level) else { return nil }
        defer { giveBack(stream) }
        // An upper bound of both codings: a few bytes for each of their blocks.
        makeWholeRoom(bytes.count + bytes.count / 64 + 1024)
        let progress = stream.code(bytes, .finish, into: wholeRoom.room)
        return progress.isDone ? wholeRoom.view[..<progress.produced] : nil
    }

    private func compressor(_ level: Int) -> WholeCompressor? {
        if let known = wholeCompressors.first(where: { $0.level == level }) { return known }
        guard claim(WholeCompressor.memory) else { return nil }
        guard let made = WholeCompressor(level: level) else {
            release(WholeCompressor.memory)
            return nil
        }
        wholeCompressors.append(made)
        return made
    }

    private func makeWholeRoom(_ needed: Int) {
        let isTooLarge = wholeRoom.count > Self.keptRoomSize && needed <= Self.keptRoomSize
        guard wholeRoom.count < needed || isTooLarge else { return }
        wholeRoom = OwnedBytes(count: max(needed, Self.roomSize))
    }
}
