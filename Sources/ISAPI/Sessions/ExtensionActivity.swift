import CISAPI
import CLinux
import HTTP
import Transport

/// What an extension does for a request at this moment.
package enum ExtensionActivity: Equatable, Sendable {
    /// Its code was not entered yet, or it has ended.
    case absent
    /// No thread runs its code: HttpExtensionProc has returned HSE_STATUS_PENDING.
    case pending
    /// A thread runs its code.
    case running(ThreadStack)

    /// Looks for a request on a thread of its own; `found` is called there.
    ///
    /// The thread that runs the request is interrupted: a call of the system that waits may return early with EINTR.
    ///
    /// - Returns: false if too many are looked for already.
    package static func look(
        for request: RequestID, _ found: @escaping @Sendable (ExtensionActivity) -> Void
    ) -> Bool {
        threads.run { found(activity(of: request)) }
    }

    /// One thread, because stacks are taken one after the other. What waits for it is limited by what may be asked in a
    /// second or two.
    private static let threads = SideThreads("stacks", width: 1, limit: 64)

    private static func activity(of request: RequestID) -> ExtensionActivity {
        var activity = ExtensionActivity.absent
        // A request that has another one answered, by HSE_REQ_EXEC_URL, has several sessions.
        for session in ControlBlockTable.shared.sessions {
            guard let seen = session.activity(of: request) else { continue }
            if case .running = seen { return seen }
            if seen == .pending { activity = seen }
        }
        return activity
    }
}

/// The stack of a thread that runs, or why there is none.
package enum ThreadStack: Equatable, Sendable {
    /// The thread runs something else by now.
    case none
    /// The thread did not answer: it blocks every signal, or the extension has taken the signal.
    case refused
    case taken(Frames)

    package struct Frames: Equatable, Sendable {
        /// The process, if it is not the gateway's own.
        package var process: Int32?
        /// The thread's name.
        package var thread: String
        /// As a crash report has them, the innermost first.
        package var lines: [String]
    }
}

extension ExtensionSession {
    /// Nil if the session has another request.
    fileprivate func activity(of request: RequestID) -> ExtensionActivity? {
        let place = state.withLock { state -> (block: ControlBlock, process: HostProcess?, isPending: Bool)? in
            guard state.request.requestID == request, let block = state.block else { return nil }
            return (block, state.process, state.life.isPending)
        }
        guard let place else { return nil }
        let stack =
            place.process?.stack(of: unsafe ControlBlockTable.shared.index(of: place.block.pointer))
            ?? place.block.stack
        // The stack is that of another request if the block belongs to one by now.
        let isSame = state.withLock { state in
            state.request.requestID == request && state.block?.identity == place.block.identity
        }
        guard isSame else { return .absent }
        return stack == .none ? (place.isPending ? .pending : .absent) : .running(stack)
    }
}

extension ControlBlock {
    /// The stack of the thread of this process that runs code of the request.
    fileprivate var stack: ThreadStack {
        var stack = CLinux_stack()
        let outcome = unsafe CLinux_stack_of(ControlBlockTable.trace(of: pointer), &stack)
        guard outcome > 0 else { return outcome < 0 ? .refused : .none }
        return .taken(ThreadStack.Frames(stack))
    }
}

extension ThreadStack.Frames {
    fileprivate init(_ stack: CLinux_stack) {
        var stack = stack
        let thread = unsafe withUnsafeBytes(of: &stack.thread) { name in
            unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
        let count = Int(stack.count)
        let lines = unsafe withUnsafeBytes(of: &stack.frames) { frames in
            let frames = unsafe frames.bindMemory(to: UnsafeMutableRawPointer?.self)
            return (0..<count).map { number in
                unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
                    let length = unsafe CLinux_describe_frame(
                        Int32(number), frames[number], text.baseAddress, UInt(text.count))
                    return unsafe String(
                        decoding: UnsafeRawBufferPointer(text).prefix(Int(length)), as: UTF8.self)
                }
            }
        }
        self.init(process: nil, thread: thread, lines: lines)
    }
}
