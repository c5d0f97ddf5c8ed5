/// Copies of few bytes without a function call; source and destination must not overlap.
@usableFromInline
enum ShortCopy {
    @unsafe @inlinable @inline(__always)
    static func copy(_ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
        guard count <= 32 else { return unsafe room.copyMemory(from: source, byteCount: count) }
        unsafe copyShort(source, count, to: room)
    }

    /// Copies up to 32 bytes as two words, which overlap unless the count is twice their size.
    @unsafe @inlinable @inline(__always)
    static func copyShort(_ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
        if count >= 16 {
            unsafe copyEnds(SIMD16<UInt8>.self, source, count, to: room)
        } else if count >= 8 {
            unsafe copyEnds(UInt64.self, source, count, to: room)
        } else if count >= 4 {
            unsafe copyEnds(UInt32.self, source, count, to: room)
        } else if count >= 2 {
            unsafe copyEnds(UInt16.self, source, count, to: room)
        } else if count == 1 {
            unsafe copyEnds(UInt8.self, source, count, to: room)
        }
    }

    @unsafe @inlinable @inline(__always)
    static func copyEnds<Word: BitwiseCopyable>(
        _ word: Word.Type, _ source: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer
    ) {
        let last = count - MemoryLayout<Word>.size
        let (head, tail) = unsafe (
            source.loadUnaligned(as: word), source.loadUnaligned(fromByteOffset: last, as: word)
        )
        unsafe room.storeBytes(of: head, as: word)
        unsafe room.storeBytes(of: tail, toByteOffset: last, as: word)
    }
}
