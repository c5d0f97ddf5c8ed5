import CISAPI
import CPoolProtocol
import Glibc
import Memory
import Transport

/// The buffer of an asynchronous read of an isolated extension: what is read goes to the process with the completion.
@safe
final class IsolatedRead: @unchecked Sendable {
    let buffer: MutableByteView
    /// The address of the extension's own buffer.
    let target: UInt64

    init(count: Int, target: UInt64) {
        buffer = .allocate(count: count)
        self.target = target
    }

    deinit {
        unsafe buffer.uncheckedDeallocate()
    }
}

/// Performs the calls of a process's extension that arrive on one channel: as the functions of the control block do for
/// an extension in this process, with arguments from messages instead of pointers.
///
/// The process is not trusted: a call is performed only for a request that this process runs.
struct IsolatedCalls {
    let process: HostProcess
    let channel: HostChannel

    /// Performs calls until the code that was called has returned, and returns that message.
    func performUntilReturn() throws(HostFailure) -> HostMessage {
        while true {
            let message = try channel.receive()
            if message.header.type == HostMessageType.returned { return message }
            try perform(message)
        }
    }

    /// Performs calls until the process has ended.
    func performUntilEnd() -> HostFailure {
        while true {
            do throws(HostFailure) {
                try perform(try channel.receive())
                channel.rest()
            } catch {
                return error
            }
        }
    }

    private func perform(_ message: HostMessage) throws(HostFailure) {
        switch message.header.type {
        case HostMessageType.getVariable: try getVariable(message)
        case HostMessageType.write: try write(message)
        case HostMessageType.writeAsync: try writeAsync(message)
        case HostMessageType.read: try read(message)
        case HostMessageType.support:
            var call = IsolatedSupportCall(calls: self, message: message)
            try call.perform()
        case HostMessageType.synchronize: try synchronize(message)
        default: throw .violation
        }
    }

    /// Runs `body` with the session of the message's request, which is not recycled meanwhile.
    ///
    /// - Returns: the last error for the extension, 0 for success.
    func withSession(
        of message: HostMessage, _ function: ContractFunction,
        _ body: (ExtensionSession, ControlBlockIdentity) throws(HostFailure) -> CallFailure?
    ) throws(HostFailure) -> UInt32 {
        let place = unsafe ControlBlockTable.shared.block(at: message.header.request)
        guard let block = unsafe place, let session = unsafe ControlBlockTable.shared.session(of: block)?.value,
            session.beginIsolatedCall(unsafe ControlBlockIdentity(block), from: process)
        else {
            unsafe StrayCalls.shared.note(function, on: place, by: process.name)
            return CallFailure.invalidParameter.rawValue
        }
        let caller = unsafe ControlBlockIdentity(block)
        defer { session.endIsolatedCall() }
        guard let failure = try body(session, caller) else { return 0 }
        if failure == .invalidParameter, !session.isUnderWay(caller) {
            unsafe StrayCalls.shared.note(function, on: block, by: process.name)
        }
        if !message.needsReply { session.noteUnanswered(failure) }
        return failure.rawValue
    }

    func beginReply(_ message: HostMessage, _ error: UInt32) {
        channel.begin(HostMessageType.reply, request: message.header.request, value: error)
    }

    private func getVariable(_ received: HostMessage) throws(HostFailure) {
        var message = received
        guard let name = try message.item(), name.count <= 1024 else { throw .violation }
        channel.scratch.removeAll()
        let error = try withSession(of: message, .getServerVariable) { session, caller throws(HostFailure) in
            session.inquire(by: caller) { state in
                let failure = unsafe withTerminated(name) { name in
                    unsafe ServerVariables.render(name, state.request, into: &state.scratch)
                }
                channel.scratch.append(state.scratch.bytes)
                return failure
            }
        }
        if error != CallFailure.invalidParameter.rawValue { process.learn(Array(name)) }
        beginReply(message, error)
        channel.appendItem(error == 0 ? channel.scratch.bytes : ByteView())
        try channel.send()
    }

    private func write(_ message: HostMessage) throws(HostFailure) {
        var written = 0
        let error = try withSession(of: message, .writeClient) { session, caller throws(HostFailure) in
            let result = session.write(message.payload, by: caller)
            written = result.written
            return result.failure
        }
        guard message.needsReply else { return }
        beginReply(message, error)
        channel.append(word: UInt32(written))
        try channel.send()
    }

    private func writeAsync(_ received: HostMessage) throws(HostFailure) {
        var message = received
        let rest = UInt64(message.header.value)
        let file = rest > 0 ? try message.file() : nil
        let error = try withSession(of: message, .writeClient) { session, caller throws(HostFailure) in
            guard let file else {
                let failure = session.beginWrite(message.payload, by: caller)
                if failure == nil { session.copyTransfer() }
                return failure
            }
            guard let file = try? TransferFile(file), file.size >= rest else { return .invalidHandle }
            let failure = session.beginWrite(message.payload, then: (file, rest), by: caller)
            if failure == nil { session.copyTransfer() }
            return failure
        }
        beginReply(message, error)
        try channel.send()
    }

    private func read(_ message: HostMessage) throws(HostFailure) {
        let wanted = Int(message.header.value)
        guard wanted <= Int(POOL_READ_SIZE) else { throw .violation }
        var count = 0
        channel.scratch.removeAll(keepingUpTo: Int(POOL_READ_SIZE))
        let error = try withSession(of: message, .readClient) { session, caller throws(HostFailure) in
            if wanted == 0 { return session.inquire(by: caller) { _ in nil } }
            let room = channel.scratch.reserve(wanted)[..<wanted]
            let result = session.read(into: room, by: caller)
            count = result.count
            return result.failure
        }
        channel.scratch.commit(count)
        beginReply(message, error)
        channel.append(channel.scratch.bytes)
        try channel.send()
    }

    private func synchronize(_ message: HostMessage) throws(HostFailure) {
        var failure: CallFailure?
        _ = try withSession(of: message, .writeClient) { session, _ throws(HostFailure) in
            failure = session.takeUnanswered()
            return nil
        }
        beginReply(message, failure?.rawValue ?? 0)
        try channel.send()
    }
}

/// Calls `body` with a copy of the text that ends with a NUL.
func withTerminated<Result>(_ text: ByteView, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withTemporaryBytes(text.count + 1) { copy in
        copy.copy(text)
        copy[text.count] = 0
        return unsafe body(UnsafePointer(copy.baseAddress!.assumingMemoryBound(to: CChar.self)))
    }
}

/// What isolated extensions need of a session.
extension ExtensionSession {
    /// A process calls for the request of `caller`: false if it does not run it. The session is not recycled until
    /// `endIsolatedCall`.
    func beginIsolatedCall(_ caller: ControlBlockIdentity, from process: HostProcess) -> Bool {
        state.withLock { state in
            guard state.process === process, state.isBlock(caller) else { return false }
            state.life.isolatedCallBegan()
            return true
        }
    }

    func endIsolatedCall() {
        let isFree = state.withLock { state in
            state.life.isolatedCallEnded()
            return state.recycleIfPossible()
        }
        if isFree { giveBack() }
    }

    func noteUnanswered(_ failure: CallFailure) {
        state.withLock { state in
            if state.unansweredFailure == nil { state.unansweredFailure = failure }
        }
    }

    func takeUnanswered() -> CallFailure? {
        state.withLock { state in
            defer { state.unansweredFailure = nil }
            return state.unansweredFailure
        }
    }

    /// The memory of the operation in progress is about to be used otherwise: what was not sent is copied.
    func copyTransfer() {
        state.withLock { state in state.transfer.releaseMemory() }
    }

    /// The process has ended while HttpExtensionProc had returned HSE_STATUS_PENDING: the response ends.
    func processEnded(_ process: HostProcess, _ ending: ProcessEnding) {
        let (wakes, isFree) = state.withLock { state in
            guard state.process === process, state.life.isPending, state.life.done() else { return (false, false) }
            state.fail(.processEnded(ending))
            state.notify()
            let wakes = state.life.hasBlockedCalls
            if wakes { progress.advance() }
            return (wakes, state.recycleIfPossible())
        }
        if wakes { progress.wake(Int.max) }
        if isFree { giveBack() }
    }
}

extension ExtensionSession {
    /// What the extension has set in its control block for the log, before the request ends.
    func noteLog(status: UInt32, _ text: ByteView, by caller: ControlBlockIdentity) {
        state.withLock { state in
            guard state.admits(caller), let block = unsafe state.block?.pointer,
                let note = unsafe CISAPI_log_data(block)
            else { return }
            unsafe block.pointee.dwHttpStatusCode = status
            let text = text.prefix(Int(HSE_LOG_BUFFER_LEN) - 1)
            let room = unsafe MutableByteView(start: note, count: Int(HSE_LOG_BUFFER_LEN))
            room.copy(text)
            room[text.count] = 0
        }
    }
}
