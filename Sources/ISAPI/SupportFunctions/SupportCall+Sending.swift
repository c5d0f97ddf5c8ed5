import CISAPI
import Glibc
import Memory

/// Asynchronous reads and writes, files and vectors.
extension SupportCall {
    /// lpvBuffer: the function, NULL for none; lpdwDataType: its context.
    func setCompletion() -> CallFailure? {
        let target = unsafe CompletionTarget(
            unsafeBitCast(buffer.address, to: PFN_HSE_IO_COMPLETION?.self), context: type.address)
        return session.inquire(by: caller) { state in
            state.operation.target = target
            return nil
        }
    }

    /// lpvBuffer: receives the bytes until the completion; *lpdwSize: its size; *lpdwDataType: HSE_IO_ASYNC.
    func asyncReadClient() -> CallFailure? {
        guard let count = size.load(DWORD.self), count > 0, let room = buffer.room(Int(count)),
            type.load(DWORD.self) == DWORD(HSE_IO_ASYNC)
        else { return .invalidParameter }
        return session.beginRead(into: room, by: caller)
    }

    /// lpvBuffer: an HSE_TF_INFO.
    func transmitFile() -> CallFailure? {
        guard let information = unsafe buffer.load(HSE_TF_INFO.self) else { return .invalidParameter }
        let flags = unsafe Int32(bitPattern: information.dwFlags)
        guard flags & HSE_IO_ASYNC != 0 else { return .invalidParameter }
        let target = unsafe CompletionTarget(information.pfnHseIO, context: information.pContext)
        do throws(CallFailure) {
            var plan = try unsafe SendPlan(transmitting: information, flags: flags)
            plan.disconnects = flags & HSE_IO_DISCONNECT_AFTER_SEND != 0
            return begin(plan, target: target)
        } catch {
            return error
        }
    }

    /// lpvBuffer: an HSE_RESPONSE_VECTOR.
    func vectorSend() -> CallFailure? {
        guard let vector = unsafe buffer.load(HSE_RESPONSE_VECTOR.self) else { return .invalidParameter }
        let flags = unsafe Int32(bitPattern: vector.dwFlags)
        let isAsync = flags & HSE_IO_ASYNC != 0
        // Exactly one of both, and only a complete response can be cached.
        guard isAsync != (flags & HSE_IO_SYNC != 0),
            flags & HSE_IO_CACHE_RESPONSE == 0 || flags & HSE_IO_FINAL_SEND != 0
        else { return .invalidParameter }
        do throws(CallFailure) {
            var plan = try unsafe SendPlan(sending: vector, flags: flags)
            plan.disconnects = flags & HSE_IO_DISCONNECT_AFTER_SEND != 0
            plan.isFinal = flags & HSE_IO_FINAL_SEND != 0
            return isAsync ? begin(plan, target: nil) : send(plan)
        } catch {
            return error
        }
    }

    private func begin(_ plan: SendPlan, target: CompletionTarget?) -> CallFailure? {
        session.begin(.send, by: caller, target: target) { state in
            if let failure = plan.begin(in: &state) { return failure }
            state.transfer.open(
                plan.takePieces(into: &state), reporting: plan.reportedBytes, disconnects: plan.disconnects)
            return nil
        }
    }

    /// Sends on the calling thread, waiting while the client is slow.
    private func send(_ plan: SendPlan) -> CallFailure? {
        var failure = session.answer(by: caller) { state in
            guard state.operation.kind != .send else { return .invalidParameter }
            return plan.begin(in: &state)
        }
        for index in plan.pieces.indices where failure == nil {
            switch plan.pieces[index] {
            case .memory(let bytes): failure = session.write(bytes, by: caller).failure
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
            if let failure = session.write(piece, by: caller).failure { return failure }
            offset += UInt64(got)
        }
        return nil
    }

    private static let fileBlock = 64 << 10
}

/// The data that one call sends: an optional head, then pieces. Structures and strings are read when it is created,
/// data is not.
private struct SendPlan {
    private var head: (status: ByteView, block: ByteView)?
    private(set) var pieces: [Transfer.Piece] = []
    private(set) var reportedBytes: UInt64 = 0
    private var totalBytes: UInt64 = 0
    var disconnects = false
    /// Nothing follows the sent data.
    var isFinal = false

    /// - Throws: `invalidParameter`, `invalidHandle`, or `invalidArgument` when the file ends before the offset.
    init(transmitting information: HSE_TF_INFO, flags: Int32) throws(CallFailure) {
        let (before, after, status, handle) = unsafe (
            ExtensionMemory(information.pHead).bytes(Int(information.HeadLength)),
            ExtensionMemory(information.pTail).bytes(Int(information.TailLength)),
            ExtensionMemory(information.pszStatusCode), ExtensionMemory(information.hFile)
        )
        let (wanted, offset) = unsafe (UInt64(information.BytesToWrite), UInt64(information.Offset))
        guard let before, let after else { throw .invalidParameter }
        if flags & HSE_IO_SEND_HEADERS != 0 {
            head = (status.text, before.withoutTrailingNULs)
        } else {
            appendMemory(before)
        }
        if !handle.isNull {
            let file = try TransferFile(handle)
            guard offset <= file.size else { throw .invalidArgument }
            let count = wanted == 0 ? file.size - offset : wanted
            pieces.append(.file(file, offset: offset, count: count))
            reportedBytes = count
            totalBytes += count
        } else if wanted != 0 || offset != 0 {
            throw .invalidParameter
        }
        appendMemory(after)
    }

    /// - Throws: `invalidParameter` for invalid elements, `invalidHandle`, `invalidArgument` as above.
    init(sending vector: HSE_RESPONSE_VECTOR, flags: Int32) throws(CallFailure) {
        let sendsHeaders = flags & HSE_IO_SEND_HEADERS != 0
        let (status, block) = unsafe (ExtensionMemory(vector.pszStatus), ExtensionMemory(vector.pszHeaders))
        let (elements, count) = unsafe (vector.lpElementArray, vector.nElementCount)
        guard status.isNull != sendsHeaders, block.isNull != sendsHeaders, count <= Self.elementLimit else {
            throw .invalidParameter
        }
        if sendsHeaders { head = (status.text, block.text) }
        for index in 0..<Int(count) {
            guard let elements = unsafe elements else { throw .invalidParameter }
            try unsafe append(elements[index])
        }
        reportedBytes = totalBytes
    }

    private static let elementLimit: DWORD = 65_536

    private mutating func append(_ element: HSE_VECTOR_ELEMENT) throws(CallFailure) {
        let context = unsafe ExtensionMemory(element.pvContext)
        let (type, offset, size) = unsafe (Int32(bitPattern: element.ElementType), element.cbOffset, element.cbSize)
        switch type {
        case HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER:
            guard size > 0, let count = Int(exactly: size), let bytes = context.bytes(count) else {
                throw .invalidParameter
            }
            appendMemory(bytes)
        case HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE:
            let file = try TransferFile(context)
            guard offset <= file.size else { throw .invalidArgument }
            let count = size == 0 ? file.size - offset : size
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
