import CLinux
import CPoolProtocol
import Memory

/// Asking for the stack of a thread of the process.
extension HostProcess {
    /// How long the process may take, which may be inside TerminateExtension meanwhile.
    private static let stackLimit = Duration.milliseconds(500)
    /// Bytes of the text of a frame.
    private static let frameLimit = 512

    /// The stack of the thread that runs code of the request whose control block has this index. One question at a time.
    func stack(of request: UInt32) -> ThreadStack {
        state.withLock { $0.stack = nil }
        guard sendControl(HostMessageType.look, request) else { return .none }
        let deadline = ContinuousClock.now + Self.stackLimit
        while true {
            let (stack, hasEnded, seen) = state.withLock { ($0.stack, $0.ending != nil, changed.count) }
            if let stack, stack.request == request { return stack.answer }
            if hasEnded { return .none }
            guard changed.wait(past: seen, until: deadline) else { return .refused }
        }
    }

    /// An answer, which may come too late for its question.
    func noteStack(_ message: inout HostMessage) throws(HostFailure) {
        let answer: ThreadStack
        switch Int(message.header.value) {
        case Int(POOL_STACK_NONE): answer = .none
        case Int(POOL_STACK_REFUSED): answer = .refused
        case Int(POOL_STACK_TAKEN): answer = .taken(try Self.stack(in: &message, process: pid))
        default: throw .violation
        }
        let request = message.header.request
        state.withLock { $0.stack = (request, answer) }
        changed.advance()
        changed.wake(Int.max)
    }

    private static func stack(
        in message: inout HostMessage, process: Int32
    ) throws(HostFailure) -> ThreadStack.Frames {
        var frames = ThreadStack.Frames(process: process, thread: try text(in: &message), lines: [])
        while !message.isAtEnd {
            guard frames.lines.count < Int(CLinux_STACK_LIMIT) else { throw .violation }
            frames.lines.append(try text(in: &message))
        }
        return frames
    }

    private static func text(in message: inout HostMessage) throws(HostFailure) -> String {
        guard let item = try message.item() else { throw .violation }
        return String(decoding: item.prefix(frameLimit), as: UTF8.self)
    }
}
