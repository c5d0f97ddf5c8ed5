import CISAPI
import CPoolProtocol
import Glibc
import Memory
import Synchronization
import Transport

/// Running code of the extensions in the process.
extension HostProcess {
    /// How running code ended.
    enum RunEnding {
        case returned(UInt32)
        /// The process has ended before it entered the extension's code.
        case notEntered
        case ended(ProcessEnding)
    }

    /// Runs HttpExtensionProc for the session on the calling thread.
    ///
    /// The caller has reserved the process; the session releases it.
    func run(
        _ session: ExtensionSession, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, library: Int
    ) -> RunEnding {
        session.state.withLock { $0.setProcess(self) }
        guard let index = takeChannel() else { return .notEntered }
        defer { returnChannel(index) }
        let channel = runChannels[index]
        memory.admit(index, behind: channel.sequence, through: channel.sequence &+ 1)
        channel.sequence &+= 1
        do throws(HostFailure) {
            unsafe RunMessage.compose(
                on: channel, session, block, by: self, library: library, sequence: channel.sequence, learned.names)
            try channel.flush()
            return .returned(try unsafe receiveReturn(on: channel, session, block).status)
        } catch {
            let ending = end(after: error)
            return memory.hasEntered(index, channel.sequence) ? .ended(ending) : .notEntered
        }
    }

    /// Performs the calls of a session's code until it has returned: the HSE_STATUS_ number, and the microseconds that
    /// it took.
    private func receiveReturn(
        on channel: HostChannel, _ session: ExtensionSession, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>
    ) throws(HostFailure) -> (status: UInt32, duration: UInt32) {
        var message = try IsolatedCalls(process: self, channel: channel).performUntilReturn()
        guard unsafe message.header.request == ControlBlockTable.shared.index(of: block) else { throw .violation }
        let status = try message.word()
        let duration = try message.word()
        guard let log = try message.item() else { throw .violation }
        unsafe session.noteLog(status: status, log, by: ControlBlockIdentity(block))
        return (message.header.value, duration)
    }

    /// Bytes of requests that are sent together with others: they have to fit the channel's socket, or the process
    /// could not send while it does not receive.
    private static let batchSize = 48 << 10

    /// Runs HttpExtensionProc for the members of the batch one after the other, on the calling thread. Leaves them where
    /// no channel is free, and those that were not entered before the process has ended.
    ///
    /// The caller has reserved the process for the first.
    ///
    /// - Parameter limit: a number of requests.
    /// - Returns: whether the process has begun that number with one of these, the first not counted.
    func run(_ batch: SessionBatch, library: Int, wornAt limit: Int?) -> Bool {
        guard let index = free.withLock({ $0.popLast() }) else {
            release()
            return false
        }
        defer { returnChannel(index) }
        let channel = runChannels[index]
        let first = channel.sequence &+ 1
        var isFirst = true
        var isWorn = false
        let count = batch.open(at: SessionBatch.Place(memory: memory, channel: index, first: first)) { member in
            if !isFirst, reserve() == limit { isWorn = true }
            isFirst = false
            member.session.with { $0.state.withLock { $0.setProcess(self) } }
        }
        channel.sequence &+= UInt32(count)
        do throws(HostFailure) {
            let sent = try send(batch, count, on: channel, first, library)
            while batch.position < sent, let member = batch.current {
                let session = member.session.value
                let (status, duration) = try unsafe receiveReturn(on: channel, session, member.block.pointer)
                batch.advance(after: duration)
                session.endBatchedRun(.returned(status), after: duration)
            }
        } catch {
            let ending = end(after: error)
            while let member = batch.current, memory.hasEntered(index, first &+ batch.position) {
                batch.advance()
                member.session.with { $0.endBatchedRun(.processEnded(ending)) }
            }
        }
        return isWorn
    }

    /// Sends the first members; how many.
    private func send(
        _ batch: SessionBatch, _ count: Int, on channel: HostChannel, _ first: UInt32, _ library: Int
    ) throws(HostFailure) -> UInt32 {
        let names = learned.names
        var position: UInt32 = 0
        while position < count, channel.unsentCount <= Self.batchSize {
            let member = batch.members[Int(position)]
            member.session.with { session in
                unsafe RunMessage.compose(
                    on: channel, session, member.block.pointer, by: self, library: library,
                    sequence: first &+ position, names)
            }
            position += 1
        }
        try channel.flush()
        return position
    }

    /// Calls the completion function of an operation of the session.
    func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        _ read: IsolatedRead?
    ) {
        guard let index = takeChannel() else { return }
        defer { returnChannel(index) }
        let channel = runChannels[index]
        unsafe channel.begin(HostMessageType.complete, request: ControlBlockTable.shared.index(of: block))
        let target = unsafe UInt64(UInt(bitPattern: completion.target.context))
        channel.appendItem(
            structure: pool_completion(
                target: target, buffer: read?.target ?? 0, bytes: completion.bytes, error: completion.error))
        let count = completion.error == 0 ? Int(completion.bytes) : 0
        if let read {
            channel.appendItem(read.buffer.view.prefix(count))
        } else {
            channel.appendItem(ByteView())
        }
        do throws(HostFailure) {
            try channel.send()
            _ = try IsolatedCalls(process: self, channel: channel).performUntilReturn()
        } catch {
            _ = end(after: error)
        }
    }

    /// A channel on which no code runs; waits until there is one, nil once the process has ended.
    private func takeChannel() -> Int? {
        while true {
            let seen = channelReturned.count
            if let index = free.withLock({ $0.popLast() }) { return index }
            if ending != nil { return nil }
            channelWaiters.add(1, ordering: .sequentiallyConsistent)
            defer { channelWaiters.subtract(1, ordering: .relaxed) }
            // One may have come back before it was seen that somebody waits.
            if let index = free.withLock({ $0.popLast() }) { return index }
            channelReturned.wait(past: seen)
        }
    }

    private func returnChannel(_ index: Int) {
        runChannels[index].rest()
        free.withLock { $0.append(index) }
        if channelWaiters.load(ordering: .sequentiallyConsistent) > 0 {
            channelReturned.advance()
            channelReturned.wake(1)
        }
    }

    /// Waits for the end of a process that has gone, or that has broken the protocol and is killed for it.
    private func end(after failure: HostFailure) -> ProcessEnding {
        if failure == .violation { kill(.protocolViolation) }
        let deadline = ContinuousClock.now + Self.endLimit
        while true {
            let (ending, seen) = state.withLock { ($0.ending, changed.count) }
            if let ending { return ending }
            if !changed.wait(past: seen, until: deadline) {
                kill(.protocolViolation, "it closed a channel")
                changed.wait(past: seen)
            }
        }
    }
}
