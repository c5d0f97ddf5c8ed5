import CISAPI
import CPoolProtocol
import HTTP

/// The message that makes a process run HttpExtensionProc.
enum RunMessage {
    /// Bytes of variables that a request brings along.
    private static let variablesLimit = 8 << 10

    /// Composes the message, unless the session's request has been taken from the process meanwhile.
    static func compose(
        on channel: HostChannel, _ session: ExtensionSession, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        by process: HostProcess, library: Int, sequence: UInt32, _ names: [[UInt8]]
    ) {
        session.state.withLock { state in
            guard unsafe state.isBlock(ControlBlockIdentity(block)), state.process === process else { return }
            unsafe channel.begin(
                HostMessageType.run, request: ControlBlockTable.shared.index(of: block),
                value: unsafe block.pointee.cbTotalBytes)
            let trace = unsafe ControlBlockTable.trace(of: block)
            var facts = pool_run()
            facts.trace = unsafe (trace[0], trace[1], trace[2], trace[3], trace[4])
            facts.sequence = sequence
            facts.library = UInt32(library)
            channel.scratch.removeAll()
            for name in names where channel.scratch.count < variablesLimit {
                facts.variables += 1
                append(name, &state, to: &channel.scratch)
            }
            channel.appendItem(structure: facts)
            for text in [
                state.request.methodText, state.request.queryText, state.request.pathInfoText,
                state.request.translatedPathText, state.request.contentTypeText,
            ] {
                channel.appendItem(state.request.bytes(text))
            }
            channel.appendItem(state.body.readAhead.bytes)
            channel.append(channel.scratch.bytes)
            channel.end()
        }
    }

    /// The name, the error number, and the value of a variable, as items.
    private static func append(_ name: [UInt8], _ state: inout SessionState, to target: inout ByteBuffer) {
        let failure = name.withBytes { name in
            unsafe withTerminated(name) { unsafe ServerVariables.render($0, state.request, into: &state.scratch) }
        }
        name.withBytes { target.appendItem($0, terminated: true) }
        target.append(word: failure?.rawValue ?? 0)
        if failure != nil { state.scratch.removeAll() }
        target.appendItem(state.scratch.bytes)
    }
}
