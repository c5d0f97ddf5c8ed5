import Memory

extension HostProcess {
    private static let describedRequests = 8

    /// The requests that have this process: method, URL and identifier.
    func describeRequests() -> [String] {
        var texts: [String] = []
        for session in ControlBlockTable.shared.sessions where texts.count < Self.describedRequests {
            if let text = session.describe(in: self) { texts.append(text) }
        }
        return texts
    }
}

extension ExtensionSession {
    /// The request, for the log; nil if it does not have this process.
    fileprivate func describe(in process: HostProcess) -> String? {
        state.withLock { state in
            guard state.process === process, let id = state.request.requestID else { return nil }
            let words = ["REQUEST_METHOD", "URL"].map { name in
                let failure = name.withBytes { name in
                    unsafe withTerminated(name) { name in
                        unsafe ServerVariables.render(name, state.request, into: &state.scratch)
                    }
                }
                return failure == nil ? LogText.escape(state.scratch.bytes) : "-"
            }
            return "\(words.joined(separator: " ")), request \(id.text)"
        }
    }
}

/// Bytes of a client as part of a line.
enum LogText {
    private static let limit = 200

    /// The bytes up to a NUL, at most 200 of them; what is not printable ASCII is written as `%XX`.
    static func escape(_ bytes: ByteView) -> String {
        var text = ""
        for index in 0..<min(bytes.count, limit) {
            let byte = bytes[index]
            if byte == 0 { break }
            if byte > 0x20, byte < 0x7F {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}
