extension ValueDecoder<String> {
    /// Any text.
    static var string: Self { text("a text") { $0 } }

    /// A text that is not empty.
    static func name(_ noun: String) -> Self { text(noun) { $0.isEmpty ? nil : $0 } }

    /// The absolute form of a path, which need not exist.
    static var path: Self { pathOf(nil) }

    /// The absolute path of a file that exists.
    static var file: Self { pathOf(.file) }

    /// The absolute path of a folder that exists.
    static var folder: Self { pathOf(.folder) }

    private static func pathOf(_ wanted: FileKind?) -> Self {
        let written = text("a path") { $0.isEmpty || $0.contains("\0") ? nil : $0 }
        return Self { node, context in
            guard let path = written.decode(node, context).map(context.absolutePath) else { return nil }
            guard let wanted else { return path }
            let kind = context.kindOfFile(path)
            if kind == wanted {
                context.note(file: path, at: node.position)
                return path
            }
            let message =
                switch kind {
                case nil: "no such \(wanted == .file ? "file" : "folder"): \(quoted(path))"
                case .file: "\(quoted(path)) is not a folder"
                case .folder: "\(quoted(path)) is a folder, not a file"
                case .hidden(let folder):
                    "cannot reach \(quoted(path)): folder \(quoted(folder)) may not be entered"
                }
            context.report(message, at: node)
            return nil
        }
    }
}

extension ValueDecoder<Bool> {
    /// One of YAML's two words (YAML 1.2 §10.3.2).
    static var boolean: Self { text("true or false") { ["true": true, "false": false][$0] } }
}

extension ValueDecoder<Int> {
    /// A whole number in a range.
    static func integer(in range: ClosedRange<Int>) -> Self {
        bounded("a whole number", .integer(range), in: range, parse: parseInteger) { String($0) }
    }

    /// A number of bytes in a range.
    static func size(in range: ClosedRange<Int>) -> Self {
        bounded("a size such as 512, 64K, 10M or 1G", .size, in: range, parse: parseSize, format: formatSize)
    }
}

extension ValueDecoder<Duration> {
    /// A length of time in a range.
    static func time(in range: ClosedRange<Duration>) -> Self {
        bounded("a time such as 500ms, 10s, 5m, 1h or 1d", .time, in: range, parse: parseTime, format: formatTime)
    }
}

extension ValueDecoder where Value: Comparable {
    fileprivate static func bounded(
        _ noun: String, _ form: TextShape.Form, in range: ClosedRange<Value>, parse: @escaping (String) -> Value?,
        format: @escaping (Value) -> String
    ) -> Self {
        Self { node, context in
            let bounds = "\(format(range.lowerBound)) to \(format(range.upperBound))"
            if let recorder = context.recorder {
                recorder.found(TextShape(noun: "\(noun), from \(bounds)", form: form))
                return nil
            }
            let decoder = text("\(noun) for \(context.key)") { text throws(Refusal) in
                guard let value = parse(text) else { return nil }
                guard range.contains(value) else {
                    throw Refusal(message: "\(context.key) must be from \(bounds), found \(quoted(text))")
                }
                return value
            }
            return decoder.decode(node, context)
        }
    }
}

/// Decimal digits only: no sign, no spaces.
private func parseInteger(_ text: String) -> Int? {
    text.utf8.allSatisfy(isDigit) ? Int(text) : nil
}
