import HTTP
import ISAPI
import Memory

/// The line of a request in progress: what the log's format says, then what the request waits for, and the stack.
struct RunningLine: Sendable {
    /// With the end of the line.
    private let text: [UInt8]
    private let isJSON: Bool

    init(_ text: [UInt8], isJSON: Bool) {
        self.text = text
        self.isJSON = isJSON
    }

    /// - Parameter activity: what the extension does; nil if that is not known.
    func write(_ phase: RequestPhase, _ activity: ExtensionActivity?, to writer: LogWriter) {
        var line = text
        let word =
            switch activity {
            // No thread has entered the code yet.
            case .absent: RequestPhase.queue.rawValue
            case .pending: "pending"
            case .running, nil: phase.rawValue
            }
        let stack = if case .running(let stack) = activity { stack } else { ThreadStack.none }
        if isJSON { appendJSON(word, stack, to: &line) } else { appendText(word, stack, to: &line) }
        line.withBytes { writer.append($0, count: line.count { $0 == UInt8(ascii: "\n") }) }
    }

    private func appendJSON(_ phase: String, _ stack: ThreadStack, to line: inout [UInt8]) {
        // The brace and the end of the line.
        line.removeLast(2)
        if line.count > 1 { line.append(UInt8(ascii: ",")) }
        line += "\"running\":true,\"phase\":\"\(phase)\"".utf8
        if case .taken(let frames) = stack {
            if let process = frames.process { line += ",\"process\":\(process)".utf8 }
            line += ",\"thread\":\"".utf8
            line.append(frames.thread, as: .json)
            line += "\",\"stack\":[".utf8
            for (index, frame) in frames.lines.enumerated() {
                line += (index == 0 ? "\"" : ",\"").utf8
                line.append(frame, as: .json)
                line.append(UInt8(ascii: "\""))
            }
            line.append(UInt8(ascii: "]"))
        }
        line += "}\n".utf8
    }

    /// Frames have lines of their own, which begin with a space.
    private func appendText(_ phase: String, _ stack: ThreadStack, to line: inout [UInt8]) {
        line.removeLast()
        line += " running in \(phase)".utf8
        switch stack {
        case .none: break
        case .refused: line += ", the thread does not tell its stack".utf8
        case .taken(let frames):
            line += ", thread ".utf8
            line.append(frames.thread, as: .bare)
            if let process = frames.process { line += " of process \(process)".utf8 }
            for frame in frames.lines {
                line += "\n    ".utf8
                line.append(frame, as: .quoted)
            }
        }
        line.append(UInt8(ascii: "\n"))
    }
}
