import HTTP
import Memory

/// What a stream does with its input.
enum CodingStep: BitwiseCopyable {
    /// The input may be kept back for more.
    case collect
    /// The input has to be output so that a decoder can decode all of it.
    case flush
    /// The input is the last.
    case finish
}

/// The result of one call of a stream.
struct CodingProgress: BitwiseCopyable {
    /// Bytes of the input that were taken.
    var consumed: Int
    /// Bytes that were written.
    var produced: Int
    /// This input and this step yield no more output.
    var isDone: Bool
}

/// The coder of one content coding at one level, used for one body after the other.
class CodingStream {
    let coding: ContentCoding
    let level: Int
    /// Bytes of the coder's state, without the object.
    let memory: Int

    init(coding: ContentCoding, level: Int, memory: Int) {
        self.coding = coding
        self.level = level
        self.memory = memory
    }

    /// Codes as much as possible of `input` into `room`.
    func code(
        _ input: ByteView, _ step: CodingStep, into room: MutableByteView
    ) -> CodingProgress {
        preconditionFailure("each coding has a stream of its own")
    }

    /// Discards the current body; false when the stream cannot be used for another one.
    func reset() -> Bool {
        preconditionFailure("each coding has a stream of its own")
    }

    /// The memory of a stream of this coding, in bytes.
    static func memory(of coding: ContentCoding, level: Int) -> Int {
        switch coding {
        case .gzip, .deflate: return DeflateStream.memory
        case .brotli, .zstd:
            // The window and tables that the levels in use here need; the libraries have no function for this.
            return level > 6 ? 8 << 20 : 2 << 20
        }
    }

    /// Nil when this build has no such coder, or there is not enough memory.
    static func make(_ coding: ContentCoding, level: Int) -> CodingStream? {
        switch coding {
        case .gzip, .deflate: return DeflateStream(coding: coding, level: level)
        case .brotli:
            #if Brotli
                return BrotliStream(level: level)
            #else
                return nil
            #endif
        case .zstd:
            #if Zstd
                return ZstdStream(level: level)
            #else
                return nil
            #endif
        }
    }
}
