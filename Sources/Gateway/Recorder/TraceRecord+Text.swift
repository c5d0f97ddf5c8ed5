extension TraceRecord {
    /// The request in one line, for people.
    package var line: String {
        var parts = ["\(time) \(client) \"\(requestLine)\" \(status) \(milliseconds.total) ms"]
        func add(_ name: String, _ value: String?) {
            if let value { parts.append("\(name)=\(value)") }
        }
        add("site", site)
        add("route", route)
        add("extension", extensionName)
        add("pool", pool)
        add("upstream", upstream)
        add("server", server)
        if retries > 0 { parts.append("retries=\(retries)") }
        parts.append("bytes=\(responseBytes)")
        if isCut { parts.append("cut") }
        if let reason { parts.append("reason=\"\(reason)\"") }
        add("request", requestID)
        return Self.visible(parts.joined(separator: " "))
    }

    /// The line, and below it the times, the connection and the head.
    package var details: String {
        var lines = [line, "  \(times)"]
        var connection = "listener \(listener)"
        if let tls { connection += ", \(tls)" }
        if let host { connection += ", host \(host)" }
        if let traceID { connection += ", trace \(traceID)" }
        if hasBody { connection += ", \(requestBytes) bytes of body" }
        lines.append("  \(Self.visible(connection))")
        lines += fields.map { field in
            let length = field.maskedBytes.map { " (\($0) bytes)" } ?? ""
            return "  \(Self.visible("\(field.name): \(field.value)"))\(length)"
        }
        if isHeadCut { lines.append("  (the rest of the head is longer than recorder.head and was not kept)") }
        return lines.joined(separator: "\n")
    }

    private var requestLine: String {
        guard let method else { return "-" }
        return [method, target, version].compactMap(\.self).joined(separator: " ")
    }

    private var times: String {
        let parts = [
            ("head", milliseconds.head), ("queue", milliseconds.queue), ("connect", milliseconds.connect),
            ("wait", milliseconds.wait), ("response after", milliseconds.response), ("client", milliseconds.client),
        ]
        return parts.compactMap { name, time in time.map { "\(name) \($0) ms" } }.joined(separator: ", ")
    }

    /// The text without what would control a terminal.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var visible = ""
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                visible += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                visible.unicodeScalars.append(scalar)
            }
        }
        return visible
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
