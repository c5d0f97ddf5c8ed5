import Memory

/// The Huffman coding of strings (RFC 7541 §5.2).
package enum HuffmanCoding {
    /// Decodes `start..<end` of `block` into `room` and returns the number of bytes; nil if they do not fit.
    ///
    /// EOS within the string, more than seven bits of padding, and padding bits other than ones are rejected.
    static func decode(
        _ block: RawSpan, from start: Int, to end: Int, into room: MutableByteView
    ) throws(HTTP2Fault) -> Int? {
        var reader = BitReader(offset: start)
        var count = 0
        while true {
            reader.refill(block, to: end)
            // A refilled reader has bits for at least three short symbols, unless the input is at its end.
            while reader.count >= 8 {
                let short = HuffmanTable.shortSymbols[Int(reader.bits >> 56)]
                let symbol: UInt8
                if short != 0 {
                    symbol = UInt8(truncatingIfNeeded: short)
                    reader.drop(Int(short >> 8))
                } else {
                    if reader.count < 30, reader.offset < end { break }
                    guard let long = try longSymbol(&reader) else { return try finish(reader, count) }
                    symbol = long
                }
                guard count < room.count else { return nil }
                room[count] = symbol
                count += 1
            }
            if reader.offset >= end { break }
        }
        return try finishTail(&reader, count, room)
    }

    /// Decodes the last bits, fewer than eight: at most one symbol per five bits.
    @inline(__always)
    private static func finishTail(
        _ reader: inout BitReader, _ count: Int, _ room: MutableByteView
    ) throws(HTTP2Fault) -> Int? {
        var count = count
        while reader.count > 0 {
            let short = HuffmanTable.shortSymbols[Int(reader.bits >> 56)]
            let bits = Int(short >> 8)
            guard short != 0, bits <= reader.count else { break }
            guard count < room.count else { return nil }
            room[count] = UInt8(truncatingIfNeeded: short)
            count += 1
            reader.drop(bits)
        }
        return try finish(reader, count)
    }

    /// The remaining bits are padding: fewer than eight bits, all of them ones.
    @inline(__always)
    private static func finish(_ reader: BitReader, _ count: Int) throws(HTTP2Fault) -> Int {
        guard reader.count < 8, reader.count == 0 || ~reader.bits >> UInt64(64 - reader.count) == 0 else {
            throw .invalidHuffmanCode
        }
        return count
    }

    /// The byte whose code has more than eight bits; nil if fewer bits are left than the code has.
    @inline(never)
    private static func longSymbol(_ reader: inout BitReader) throws(HTTP2Fault) -> UInt8? {
        var index = 0
        for length in HuffmanTable.longLengths.indices {
            let bits = Int(HuffmanTable.longLengths[length])
            let code = UInt32(truncatingIfNeeded: reader.bits >> UInt64(64 - bits))
            let place = Int(code) - Int(HuffmanTable.firstCodes[length])
            if place < Int(HuffmanTable.codeCounts[length]) {
                guard bits <= reader.count else { return nil }
                guard index + place < HuffmanTable.longSymbols.count else { throw .invalidHuffmanCode }
                reader.drop(bits)
                return HuffmanTable.longSymbols[index + place]
            }
            index += Int(HuffmanTable.codeCounts[length])
        }
        throw .invalidHuffmanCode
    }

    /// The bits not decoded yet, the next one most significant.
    private struct BitReader: BitwiseCopyable {
        private(set) var bits: UInt64 = 0
        private(set) var count = 0
        private(set) var offset: Int

        init(offset: Int) { self.offset = offset }

        /// Reads as many whole bytes as fit.
        @inline(__always)
        mutating func refill(_ block: RawSpan, to end: Int) {
            if end - offset >= 8 {
                // Bits of a partly read byte are the same when the whole byte is read.
                bits |= block.word(at: offset).byteSwapped >> UInt64(count)
                let taken = (64 - count) / 8
                offset += taken
                count += 8 * taken
                return
            }
            while count <= 56, offset < end {
                bits |= UInt64(block.byte(at: offset)) << UInt64(56 - count)
                offset += 1
                count += 8
            }
        }

        @inline(__always)
        mutating func drop(_ dropped: Int) {
            bits &<<= UInt64(dropped)
            count -= dropped
        }
    }

    /// The length of `text` in this code, in bytes.
    @inline(__always)
    static func encodedCount(_ text: ByteView) -> Int {
        var bits = 0
        for index in text.indices { bits += Int(HuffmanTable.lengths[Int(text[index])]) }
        return (bits + 7) / 8
    }

    /// Writes `text` in this code and returns the number of bytes written, which is `encodedCount`.
    @inline(__always)
    static func encode(_ text: ByteView, to output: MutableByteView) -> Int {
        var bits: UInt64 = 0
        var pending = 0
        var count = 0
        for index in text.indices {
            let byte = text[index]
            let length = Int(HuffmanTable.lengths[Int(byte)])
            bits = bits &<< UInt64(length) | UInt64(HuffmanTable.codes[Int(byte)])
            pending += length
            if pending >= 32 {
                pending -= 32
                let word = UInt32(truncatingIfNeeded: bits &>> UInt64(pending)).bigEndian
                output.store(word, at: count)
                count += 4
            }
        }
        while pending >= 8 {
            pending -= 8
            let byte = UInt8(truncatingIfNeeded: bits &>> UInt64(pending))
            output[count] = byte
            count += 1
        }
        guard pending > 0 else { return count }
        let padded = bits &<< UInt64(8 - pending) | 0xFF &>> UInt64(pending)
        output[count] = UInt8(truncatingIfNeeded: padded)
        return count + 1
    }
}
