import CISAPI
import Dispatch
import Glibc
import HTTPTypes
import Synchronization
import Testing

@testable import ExtensionKit

/// A server's side of one request: a real control block whose functions are answered from memory.
@safe
final class FakeServer: @unchecked Sendable {
    /// When an operation completes: before the call that began it returns, or on another thread.
    enum Completion { case atOnce, later }

    struct Record {
        var head: (status: String, fields: String)?
        var output: [UInt8] = []
        /// Sizes of the writes.
        var writes: [Int] = []
        var reads = 0
        var finished: [DWORD] = []
        var isClosed = false
        var isConnected = true
        /// The number with which reads and writes fail, from the moment it is set.
        var failure: DWORD?
        /// Whether operations fail in their completion, and not when they begin.
        var failsLate = false
    }

    let record = Mutex(Record())
    private let variables: [String: String]
    private let completion: Completion
    private let block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>
    private var rest: ArraySlice<UInt8>
    private let available: UnsafeMutableBufferPointer<UInt8>
    private let texts: [UnsafeMutablePointer<CChar>]
    private var completed: PFN_HSE_IO_COMPLETION?
    private var context: UnsafeMutableRawPointer?
    private let (ends, ended) = AsyncStream.makeStream(of: DWORD.self)

    /// - Parameters:
    ///   - available: how much of the body comes with the head.
    ///   - isLengthKnown: false for a body in chunks.
    init(
        method: String = "GET", variables: [String: String] = [:], body: [UInt8] = [], available: Int = 0,
        isLengthKnown: Bool = true, completion: Completion = .atOnce
    ) {
        self.variables = variables
        self.completion = completion
        rest = body[available...]
        unsafe self.available = .allocate(capacity: available + 1)
        _ = unsafe self.available.initialize(from: body[..<available] + [0])
        let words: [String] = [method, "a=b", "/info", "", "text/plain"]
        unsafe texts = words.map { (word: String) in unsafe strdup(word)! }
        unsafe block = .allocate(capacity: 1)
        unsafe completed = nil
        unsafe context = nil
        var value = unsafe EXTENSION_CONTROL_BLOCK()
        unsafe value.ConnID = Unmanaged.passUnretained(self).toOpaque()
        unsafe value.lpszMethod = texts[0]
        unsafe value.lpszQueryString = texts[1]
        unsafe value.lpszPathInfo = texts[2]
        unsafe value.lpszPathTranslated = texts[3]
        unsafe value.lpszContentType = texts[4]
        unsafe value.cbTotalBytes = isLengthKnown ? DWORD(body.count) : .max
        unsafe value.cbAvailable = DWORD(available)
        unsafe value.lpbData = self.available.baseAddress
        unsafe value.GetServerVariable = { connection, name, buffer, size in
            unsafe FakeServer.of(connection).getVariable(String(cString: name!), buffer!, size!)
        }
        unsafe value.ReadClient = { connection, buffer, size in
            unsafe FakeServer.of(connection).read(buffer!, size!)
        }
        unsafe value.WriteClient = { connection, buffer, size, mode in
            let bytes = unsafe UnsafeRawBufferPointer(start: buffer, count: Int(size!.pointee))
            return unsafe FakeServer.of(connection).write(bytes, mode)
        }
        unsafe value.ServerSupportFunction = { connection, request, buffer, size, type in
            unsafe FakeServer.of(connection).support(request, buffer, size, type)
        }
        unsafe block.initialize(to: value)
    }

    deinit {
        for index in unsafe texts.indices { unsafe free(texts[index]) }
        unsafe available.deallocate()
        unsafe block.deallocate()
    }

    private static func of(_ connection: HCONN?) -> FakeServer {
        unsafe Unmanaged<FakeServer>.fromOpaque(connection!).takeUnretainedValue()
    }

    // MARK: For tests

    /// Runs `body` with the request, on the calling thread.
    func withRequest<Result>(_ body: (borrowing Request) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(Request(Session(controlBlock))) }
    }

    var controlBlock: ControlBlock { unsafe ControlBlock(block) }

    /// Lets a handler answer; returns the HSE_STATUS_ number with which it ended.
    func serve(_ handler: @escaping Extension.Handler) -> DWORD {
        Extension("Tested", handler: handler).serve(controlBlock)
    }

    func serve(_ handler: @escaping Extension.AsyncHandler) async -> DWORD? {
        begin(handler)
        return await end()
    }

    func begin(_ handler: @escaping Extension.AsyncHandler) {
        #expect(Extension("Tested", handler: handler).serve(controlBlock) == DWORD(HSE_STATUS_PENDING))
    }

    func end() async -> DWORD? {
        for await status in ends { return status }
        return nil
    }

    var status: String? { record.withLock { $0.head?.status } }
    var fields: String? { record.withLock { $0.head?.fields } }
    var text: String { record.withLock { String(decoding: $0.output, as: UTF8.self) } }

    // MARK: The functions of the control block

    private func getVariable(
        _ name: String, _ buffer: UnsafeMutableRawPointer, _ size: UnsafeMutablePointer<DWORD>
    ) -> BOOL {
        guard let value = variables[name] else { return fail(DWORD(ERROR_INVALID_INDEX)) }
        let bytes = Array(value.utf8) + [0]
        let capacity = unsafe size.pointee
        unsafe size.pointee = DWORD(bytes.count)
        guard capacity >= bytes.count else { return fail(DWORD(ERROR_INSUFFICIENT_BUFFER)) }
        unsafe UnsafeMutableRawBufferPointer(start: buffer, count: bytes.count).copyBytes(from: bytes)
        return 1
    }

    private func read(_ buffer: UnsafeMutableRawPointer, _ size: UnsafeMutablePointer<DWORD>) -> BOOL {
        if let failure = record.withLock({ $0.failure }) { return fail(failure) }
        unsafe size.pointee = DWORD(fill(buffer, Int(size.pointee)))
        return 1
    }

    /// At most 1000 bytes at a time, as on a slow connection.
    private func fill(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
        record.withLock { $0.reads += 1 }
        let piece = rest.prefix(min(1000, capacity))
        unsafe UnsafeMutableRawBufferPointer(start: buffer, count: piece.count).copyBytes(from: piece)
        rest = rest.dropFirst(piece.count)
        return piece.count
    }

    private func write(_ bytes: UnsafeRawBufferPointer, _ mode: DWORD) -> BOOL {
        if mode == DWORD(HSE_IO_ASYNC) {
            return begin {
                unsafe self.take(bytes)
                return bytes.count
            }
        }
        if let failure = record.withLock({ $0.failure }) { return fail(failure) }
        unsafe take(bytes)
        return 1
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        record.withLock { record in
            unsafe record.output += bytes
            record.writes.append(bytes.count)
        }
    }

    private func begin(_ operation: @escaping () -> Int) -> BOOL {
        let (failure, failsLate) = record.withLock { ($0.failure, $0.failsLate) }
        if let failure, !failsLate { return fail(failure) }
        guard let completed = unsafe completed else { return fail(DWORD(ERROR_INVALID_PARAMETER)) }
        nonisolated(unsafe) let unchecked = operation
        nonisolated(unsafe) let told = unsafe context
        let complete = { @Sendable [self] in
            let count = failure == nil ? unsafe unchecked() : 0
            unsafe completed(block, told, DWORD(count), failure ?? 0)
        }
        switch completion {
        case .atOnce: complete()
        case .later: DispatchQueue.global().async(execute: complete)
        }
        return 1
    }

    private func support(
        _ request: DWORD, _ buffer: UnsafeMutableRawPointer?, _ size: UnsafeMutablePointer<DWORD>?,
        _ type: UnsafeMutablePointer<DWORD>?
    ) -> BOOL {
        switch Int32(request) {
        case HSE_REQ_SEND_RESPONSE_HEADER_EX:
            let head = unsafe buffer!.load(as: HSE_SEND_HEADER_EX_INFO.self)
            let text = unsafe (String(cString: head.pszStatus), String(cString: head.pszHeader))
            record.withLock { $0.head = text }
        case HSE_REQ_DONE_WITH_SESSION:
            let status = unsafe buffer!.load(as: DWORD.self)
            record.withLock { $0.finished.append(status) }
            ended.yield(status)
        case HSE_REQ_IO_COMPLETION:
            unsafe completed = unsafeBitCast(buffer, to: PFN_HSE_IO_COMPLETION?.self)
            unsafe context = UnsafeMutableRawPointer(type)
        case HSE_REQ_ASYNC_READ_CLIENT:
            let capacity = unsafe Int(size!.pointee)
            return begin { [self] in unsafe fill(buffer!, capacity) }
        case HSE_REQ_IS_CONNECTED:
            unsafe buffer!.storeBytes(of: record.withLock { $0.isConnected } ? 1 : 0, as: BOOL.self)
        case HSE_REQ_CLOSE_CONNECTION:
            record.withLock { $0.isClosed = true }
        default:
            return fail(DWORD(ERROR_INVALID_PARAMETER))
        }
        return 1
    }

    private func fail(_ number: DWORD) -> BOOL {
        SetLastError(number)
        return 0
    }
}
