import CISAPI
import Glibc
import Memory

/// Asynchronous reads and writes, files and vectors.
extension SupportCall {
    /// lpvBuffer: the function, NULL for none; lpdwDataType: its context.
    func setCompletion() -> CallFailure? {
        let function = unsafe buffer.map { unsafe unsafeBitCast($0, to: PFN_HSE_IO_COMPLETION.self) }
        let context = unsafe UnsafeMutableRawPointer(type)
        return unsafe session.inquire(by: caller) { state in
            state.operation.target = unsafe function.map { unsafe CompletionTarget(function: $0, context: context) }
            return nil
        }
    }

    /// lpvBuffer: receives the bytes until the completion; *lpdwSize: its size; *lpdwDataType: HSE_IO_ASYNC.
    func asyncReadClient() -> CallFailure? {
        guard let buffer = unsafe buffer, let size = unsafe size, let type = unsafe type,
            unsafe size.pointee > 0, unsafe Int32(bitPattern: type.pointee) == HSE_IO_ASYNC
        else { return .invalidParameter }
        return unsafe session.beginRead(
            into: MutableByteView(start: buffer, count: Int(size.pointee)), by: caller)
    }

    /// lpvBuffer: an HSE_TF_INFO.
    func transmitFile() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let information = unsafe buffer.assumingMemoryBound(to: HSE_TF_INFO.self).pointee
        let flags = unsafe Int32(bitPattern: information.dwFlags)
        guard flags & HSE_IO_ASYNC != 0, unsafe information.pHead != nil || information.HeadLength == 0,
            unsafe information.pTail != nil || information.TailLength == 0
        else { return .invalidParameter }
        let target = unsafe information.pfnHseIO.map {
            unsafe CompletionTarget(function: $0, context: information.pContext)
        }
        do throws(CallFailure) {
            var plan = try unsafe SendPlan(transmitting: information)
            plan.disconnects = flags & HSE_IO_DISCONNECT_AFTER_SEND != 0
            return begin(plan, target: target)
        } catch {
            return error
        }
    }

    /// lpvBuffer: an HSE_RESPONSE_VECTOR.
    func vectorSend() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let vector = unsafe buffer.assumingMemoryBound(to: HSE_RESPONSE_VECTOR.self).pointee
        let flags = unsafe Int32(bitPattern: vector.dwFlags)
        let isAsync = flags & HSE_IO_ASYNC != 0
        // Exactly one of both, and only a complete response can be cached.
        guard isAsync != (flags & HSE_IO_SYNC != 0),
            flags & HSE_IO_CACHE_RESPONSE == 0 || flags & HSE_IO_FINAL_SEND != 0
        else { return .invalidParameter }
        do throws(CallFailure) {
            var plan = try unsafe SendPlan(sending: vector)
            plan.disconnects = flags & HSE_IO_DISCONNECT_AFTER_SEND != 0
            plan.isFinal = flags & HSE_IO_FINAL_SEND != 0
            return isAsync ? begin(plan, target: nil) : send(plan)
        } catch {
            return error
        }
    }

    private func begin(_ plan: SendPlan, target: CompletionTarget?) -> CallFailure? {
        unsafe session.begin(.send, by: caller, target: target) { state in
            if let failure = plan.begin(in: &state) { return failure }
            state.transfer.open(
                plan.takePieces(into: &state), reporting: plan.reportedBytes, disconnects: plan.disconnects)
            return nil
        }
    }

    /// Sends on the calling thread, waiting while the client is slow.
    private func send(_ plan: SendPlan) -> CallFailure? {
        var failure = unsafe session.answer(by: caller) { state in
            guard state.operation.kind != .send else { return .invalidParameter }
            return plan.begin(in: &state)
        }
        for index in plan.pieces.indices where failure == nil {
            switch plan.pieces[index] {
            case .memory(let bytes): failure = unsafe session.write(bytes, by: caller).failure
            case .file(let file, let offset, let count): failure = send(file, from: offset, count: count)
            case .copied: preconditionFailure("a plan copies nothing")
            }
        }
        return failure
    }

    private func send(_ file: TransferFile, from start: UInt64, count: UInt64) -> CallFailure? {
        let block = OwnedBytes(count: Self.fileBlock)
        var offset = start
        while offset < start + count {
            let wanted = Int(min(UInt64(block.count), start + count - offset))
            let got = unsafe pread(file.file.number, block.room.baseAddress, wanted, off_t(offset))
            guard got > 0 else { return .endOfFile }
            let piece = block.view[..<got]
            if let failure = unsafe session.write(piece, by: caller).failure { return failure }
            offset += UInt64(got)
        }
        return nil
    }

    private static let fileBlock = 64 << 10
}

/// The data that one call sends: an optional head, then pieces. Structures and strings are read when it is created,
/// data is not.
@safe
private struct SendPlan {
    private var head: (status: ByteView, block: ByteView)?
    private(set) var pieces: [Transfer.Piece] = []
    private(set) var reportedBytes: UInt64 = 0
    private var totalBytes: UInt64 = 0
    var disconnects = false
    /// Nothing follows the sent data.
    var isFinal = false

    /// - Throws: `invalidHandle`, or `invalidArgument` when the file ends before the offset.
    init(transmitting information: HSE_TF_INFO) throws(CallFailure) {
        let block = unsafe ByteView(start: information.pHead, count: Int(information.HeadLength))
        if unsafe Int32(bitPattern: information.dwFlags) & HSE_IO_SEND_HEADERS != 0 {
            unsafe head = (textBytes(information.pszStatusCode, count: 0), block.withoutTrailingNULs)
        } else {
            appendMemory(block)
        }
        if unsafe information.hFile != nil {
            let file = try unsafe TransferFile(information.hFile)
            let offset = unsafe UInt64(information.Offset)
            guard offset <= file.size else { throw .invalidArgument }
            let count = unsafe information.BytesToWrite == 0 ? file.size - offset : UInt64(information.BytesToWrite)
            pieces.append(.file(file, offset: offset, count: count))
            reportedBytes = count
            totalBytes += count
        } else if unsafe information.BytesToWrite != 0 || information.Offset != 0 {
            throw .invalidParameter
        }
        unsafe appendMemory(ByteView(start: information.pTail, count: Int(information.TailLength)))
    }

    /// - Throws: `invalidParameter` for invalid elements, `invalidHandle`, `invalidArgument` as above.
    init(sending vector: HSE_RESPONSE_VECTOR) throws(CallFailure) {
        let sendsHeaders = unsafe Int32(bitPattern: vector.dwFlags) & HSE_IO_SEND_HEADERS != 0
        guard unsafe (vector.pszStatus != nil) == sendsHeaders, unsafe (vector.pszHeaders != nil) == sendsHeaders,
            unsafe vector.nElementCount == 0 || vector.lpElementArray != nil,
            unsafe vector.nElementCount <= Self.elementLimit
        else { throw .invalidParameter }
        if sendsHeaders { unsafe head = (textBytes(vector.pszStatus), textBytes(vector.pszHeaders)) }
        for index in unsafe 0..<Int(vector.nElementCount) { try unsafe append(vector.lpElementArray[index]) }
        reportedBytes = totalBytes
    }

    private static let elementLimit: DWORD = 65_536

    private mutating func append(_ element: HSE_VECTOR_ELEMENT) throws(CallFailure) {
        switch unsafe Int32(bitPattern: element.ElementType) {
        case HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER:
            guard let start = unsafe element.pvContext, unsafe element.cbSize > 0,
                let count = unsafe Int(exactly: element.cbSize)
            else { throw .invalidParameter }
            unsafe appendMemory(ByteView(start: start, count: count))
        case HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE:
            let file = try unsafe TransferFile(element.pvContext)
            let offset = unsafe element.cbOffset
            guard offset <= file.size else { throw .invalidArgument }
            let count = unsafe element.cbSize == 0 ? file.size - offset : element.cbSize
            guard count <= file.size - offset else { throw .endOfFile }
            pieces.append(.file(file, offset: offset, count: count))
            totalBytes += count
        default: throw .invalidParameter
        }
    }

    private mutating func appendMemory(_ bytes: ByteView) {
        guard bytes.count > 0 else { return }
        pieces.append(.memory(bytes))
        totalBytes += UInt64(bytes.count)
    }

    /// Sets the head of the response, if this call has one, and adds `Connection: close` to it if that is requested.
    func begin(in state: inout SessionState) -> CallFailure? {
        guard !state.response.isDelegated else { return .invalidParameter }
        if let failure = giveHead(to: &state) { return failure }
        if disconnects { state.response.closeConnection() }
        return nil
    }

    private func giveHead(to state: inout SessionState) -> CallFailure? {
        guard let head = head else { return nil }
        guard state.response.setHead(status: head.status, block: head.block) else { return .invalidParameter }
        if isFinal { state.response.declareLength(totalBytes) }
        return nil
    }

    /// The pieces; while the response has no head yet, memory at the beginning is parsed for its text.
    func takePieces(into state: inout SessionState) -> [Transfer.Piece] {
        if state.response.isHeadGiven { return pieces }
        var rest = pieces[...]
        while !state.response.isHeadGiven, let first = rest.first {
            guard case .memory(let bytes) = first else {
                state.response.beginBody()
                break
            }
            state.response.write(bytes)
            rest = rest.dropFirst()
        }
        return Array(rest)
    }
}

extension ByteView {
    fileprivate var withoutTrailingNULs: ByteView {
        var end = count
        while end > 0, self[end - 1] == 0 { end -= 1 }
        return self[..<end]
    }
}
