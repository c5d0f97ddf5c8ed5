import Memory

#if Brotli
    import CBrotli
    import HTTP

    /// Brotli (RFC 7932), for bodies that come in pieces.
    @safe
    final class BrotliStream: CodingStream {
        private let state: OpaquePointer

        /// 256 KiB: as much as the levels for dynamic compression use, at a quarter of the default's memory.
        private static let windowBits: UInt32 = 18

        /// Nil if there is not enough memory.
        init?(level: Int) {
            guard let state = unsafe Self.makeState(level) else { return nil }
            unsafe self.state = state
            super.init(coding: .brotli, level: level, memory: Self.memory(of: .brotli, level: level))
        }

        deinit {
            unsafe BrotliEncoderDestroyInstance(state)
        }

        override func code(
            _ input: ByteView, _ step: CodingStep, into room: MutableByteView
        ) -> CodingProgress {
            var available = input.count
            var free = room.count
            var next = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var output = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let operation =
                switch step {
                case .collect: BROTLI_OPERATION_PROCESS
                case .flush: BROTLI_OPERATION_FLUSH
                case .finish: BROTLI_OPERATION_FINISH
                }
            _ = unsafe BrotliEncoderCompressStream(state, operation, &available, &next, &free, &output, nil)
            let isDrained = unsafe available == 0 && BrotliEncoderHasMoreOutput(state) == 0
            let isDone = unsafe step == .finish ? BrotliEncoderIsFinished(state) != 0 : isDrained
            return CodingProgress(
                consumed: input.count - available, produced: room.count - free, isDone: isDone)
        }

        /// The library has no function for that.
        override func reset() -> Bool { false }

        private static func makeState(_ level: Int) -> OpaquePointer? {
            guard let state = unsafe BrotliEncoderCreateInstance(nil, nil, nil) else { return nil }
            _ = unsafe BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, UInt32(level))
            _ = unsafe BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, windowBits)
            return unsafe state
        }
    }
#endif
