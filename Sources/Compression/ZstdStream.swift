import Memory

#if Zstd
    import CZstd
    import HTTP

    /// Zstandard (RFC 8878), for bodies that come in pieces.
    @safe
    final class ZstdStream: CodingStream {
        private let state: OpaquePointer

        /// 1 MiB: well below the 8 MiB that decoders of this content coding must have (RFC 9659).
        private static let windowBits: Int32 = 20

        /// Nil if there is not enough memory.
        init?(level: Int) {
            guard let state = unsafe ZSTD_createCCtx() else { return nil }
            unsafe self.state = state
            unsafe ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, Int32(level))
            unsafe ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, Self.windowBits)
            super.init(coding: .zstd, level: level, memory: Self.memory(of: .zstd, level: level))
        }

        deinit {
            unsafe ZSTD_freeCCtx(state)
        }

        override func code(
            _ input: ByteView, _ step: CodingStep, into room: MutableByteView
        ) -> CodingProgress {
            var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var target = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let directive =
                switch step {
                case .collect: ZSTD_e_continue
                case .flush: ZSTD_e_flush
                case .finish: ZSTD_e_end
                }
            let left = unsafe ZSTD_compressStream2(state, &target, &source, directive)
            let isTaken = unsafe source.pos == source.size
            let isDone = unsafe step == .collect ? isTaken && target.pos < target.size : isTaken && left == 0
            return unsafe CodingProgress(consumed: source.pos, produced: target.pos, isDone: isDone)
        }

        override func reset() -> Bool {
            unsafe ZSTD_isError(ZSTD_CCtx_reset(state, ZSTD_reset_session_only)) == 0
        }
    }
#endif
