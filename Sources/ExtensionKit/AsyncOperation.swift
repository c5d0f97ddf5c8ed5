import CISAPI

/// The asynchronous reads and writes of one request, of which the server does one at a time.
///
/// They use a buffer of this object, which lives until the completion of the operation, whatever happens to the
/// request. A completion is called on a thread of the server, possibly before the call that began the operation
/// returns.
@safe
final class AsyncOperation: @unchecked Sendable {
    /// The maximum number of bytes of one operation.
    static let bufferSize = 64 << 10

    private let block: ControlBlock
    private let buffer: UnsafeMutableRawBufferPointer
    private var isPrepared = false
    /// The task that waits for the operation in progress. Written before it begins and read by its completion, which
    /// the server orders after it.
    private var waiting: UnsafeContinuation<Outcome, Never>?

    private struct Outcome {
        let count: Int
        let error: UInt32
    }

    init(_ block: ControlBlock) {
        self.block = block
        unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
        unsafe waiting = nil
    }

    deinit { unsafe buffer.deallocate() }

    /// More of the request's body; none at its end.
    func read() async throws(ExtensionError) -> [UInt8] {
        let count = try await run {
            var size = DWORD(Self.bufferSize)
            var mode = DWORD(HSE_IO_ASYNC)
            return unsafe block.support(HSE_REQ_ASYNC_READ_CLIENT, buffer.baseAddress, &size, &mode)
        }
        return unsafe Array(buffer.prefix(count))
    }

    /// Sends all of the bytes.
    func write(_ bytes: [UInt8]) async throws(ExtensionError) {
        var offset = 0
        while offset < bytes.count {
            let piece = bytes[offset...].prefix(Self.bufferSize)
            unsafe buffer.copyBytes(from: piece)
            _ = try await run { unsafe block.write(buffer.baseAddress!, count: piece.count, HSE_IO_ASYNC) }
            offset += piece.count
        }
    }

    /// Begins an operation by `start`, which returns whether it has begun, and waits for its end: returns the number of
    /// bytes.
    private func run(_ start: () -> Bool) async throws(ExtensionError) -> Int {
        try prepare()
        let outcome = unsafe await withUnsafeContinuation { continuation in
            unsafe waiting = continuation
            // Released by the completion, which is called if and only if the operation has begun.
            let retained = unsafe Unmanaged.passRetained(self)
            if !start() {
                let error = ServerProcess.lastError
                unsafe retained.release()
                complete(count: 0, error: error == 0 ? DWORD(ERROR_INVALID_FUNCTION) : error)
            }
        }
        guard outcome.error == 0 else {
            let error = ExtensionError(number: outcome.error)
            // Other work that the handler has started is no longer needed.
            if error == .clientGone { unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() } }
            throw error
        }
        return outcome.count
    }

    /// Registers the completion function with the server, once.
    private func prepare() throws(ExtensionError) {
        guard !isPrepared else { return }
        let function = unsafe unsafeBitCast(operationCompleted, to: UnsafeMutableRawPointer.self)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque().assumingMemoryBound(to: DWORD.self)
        guard unsafe block.support(HSE_REQ_IO_COMPLETION, function, nil, context) else {
            throw ExtensionError(number: ServerProcess.lastError)
        }
        isPrepared = true
    }

    fileprivate func complete(count: Int, error: DWORD) {
        guard let continuation = unsafe waiting else { return }
        unsafe waiting = nil
        unsafe continuation.resume(returning: Outcome(count: count, error: error))
    }
}

private let operationCompleted: PFN_HSE_IO_COMPLETION = { _, context, count, error in
    guard let context = unsafe context else { return }
    unsafe Unmanaged<AsyncOperation>.fromOpaque(context).takeRetainedValue().complete(count: Int(count), error: error)
}
