import HTTP

/// What is to be done with the bytes given to a stream.
enum CodingStep: BitwiseCopyable {
    /// They may wait for more.
    case collect
    /// They are to come out, so that a decoder sees all of them.
    case flush
    /// They are the last ones.
    case finish
}

/// What one call of a stream came to.
struct CodingProgress: BitwiseCopyable {
    /// Bytes of the input that were taken.
    var consumed: Int
    /// Bytes that were written.
    var produced: Int
    /// Nothing more will come of this input and this step.
    var isDone: Bool
}

/// The coder of one content coding at one level, used for one body after the other.
class CodingStream {
    let coding: ContentCoding
    let level: Int
    /// Bytes that the coder's state takes, the object aside.
    let memory: Int

    init(coding: ContentCoding, level: Int, memory: Int) {
        self.coding = coding
        self.level = level
        self.memory = memory
    }

    /// Codes what it can of `input` into `room`.
    func code(
        _ input: UnsafeRawBufferPointer, _ step: CodingStep, into room: UnsafeMutableRawBufferPointer
    ) -> CodingProgress {
        preconditionFailure("each coding has a stream of its own")
    }

    /// Forgets the body under way; false when the stream cannot serve another one.
    func reset() -> Bool {
        preconditionFailure("each coding has a stream of its own")
    }

    /// Bytes that a stream of this coding would take.
    static func memory(of coding: ContentCoding, level: Int) -> Int {
        switch coding {
        case .gzip, .deflate: return DeflateStream.memory
        case .brotli, .zstd:
            // The window and tables that the levels in use here settle on; the libraries tell none beforehand.
            return level > 6 ? 8 << 20 : 2 << 20
        }
    }

    /// Nil when this build has no such coder, or there is no memory for it.
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
