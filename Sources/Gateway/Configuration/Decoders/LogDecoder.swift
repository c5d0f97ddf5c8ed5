extension ValueDecoder<LogConfiguration> {
    static var log: Self {
        let defaults = LogConfiguration()
        return .mapping { keys in
            var log = LogConfiguration(
                level: keys.take("level", .logLevel, default: defaults.level),
                format: keys.take("operator", .operatorFormat, default: defaults.format),
                repeats: keys.take("repeats", .repeats, default: defaults.repeats),
                access: keys.take("access", .accessLogs, default: defaults.access))
            let slow = keys.take("slow", .located(.slowLog))
            if let slow { log.addSlow(slow, keys.context) }
            return log
        }
    }
}

extension ValueDecoder<LogConfiguration.Level> {
    fileprivate static var logLevel: Self {
        .word(
            "a log level",
            [
                "trace": .trace, "debug": .debug, "info": .info, "notice": .notice, "warning": .warning,
                "error": .error,
            ])
    }
}

extension ValueDecoder<LogConfiguration.Format> {
    fileprivate static var operatorFormat: Self {
        .word("text, json or auto", ["text": .text, "json": .json, "auto": .auto])
    }
}

extension ValueDecoder<Duration?> {
    /// A time, or `off`.
    fileprivate static var repeats: Self {
        let time = ValueDecoder<Duration>.time(in: .seconds(1)...(.seconds(3600)))
        return Self { node, context in
            node.scalar?.string == "off" ? .some(nil) : time.decode(node, context).map { .some($0) }
        }
    }
}

extension ValueDecoder<[String]> {
    /// `log` of a site or route: the names of access logs, or `off`.
    static func chosenLogs(_ declared: DeclaredNames) -> Self {
        let names = list("access logs", of: .declaredLog(declared))
        return Self { node, context in
            node.scalar?.string == "off" ? [] : names.decode(node, context)
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static func declaredLog(_ declared: DeclaredNames) -> Self {
        text("the name of an access log") { text throws(Refusal) in
            guard declared.logs.contains(text) else {
                throw Refusal(
                    message: "unknown access log \(quoted(text))",
                    suggestion: nearestName(to: text, among: declared.logs))
            }
            return text
        }
    }

    fileprivate static var logName: Self {
        text("the name of a log: letters, digits, '-', '_' and '.'") { text in
            guard (1...64).contains(text.utf8.count), text != "off" else { return nil }
            return text.utf8.allSatisfy(isNameByte) ? text : nil
        }
    }
}

// MARK: One access log

extension ValueDecoder<[AccessLogConfiguration]> {
    /// `off`, one log, or a list of logs with names.
    fileprivate static var accessLogs: Self {
        let named = ValueDecoder<Located<AccessLogConfiguration>>.located(.accessLog(isNamed: true))
        let list = ValueDecoder<[Located<AccessLogConfiguration>]>.list("access logs", of: named)
        return Self { node, context in
            switch node {
            case .scalar(let scalar) where scalar.string == "off": return []
            case .mapping:
                return ValueDecoder<AccessLogConfiguration>.accessLog(isNamed: false).decode(node, context).map { [$0] }
            case .sequence:
                guard let logs = list.decode(node, context) else { return nil }
                reportRepeated(logs, context)
                if logs.count > AccessLogConfiguration.maximumCount {
                    context.report("at most \(AccessLogConfiguration.maximumCount) access logs are possible", at: node)
                }
                return logs.map(\.value)
            default:
                context.report(
                    "expected off, a mapping with a path and a format, or a list of such, found \(node.found)",
                    at: node)
                return nil
            }
        }
    }
}

func reportRepeated(_ logs: [Located<AccessLogConfiguration>], _ context: DecodingContext) {
    for (index, log) in logs.enumerated() {
        let earlier = logs[..<index]
        if !log.value.name.isEmpty, let first = earlier.first(where: { $0.value.name == log.value.name }) {
            context.report(
                "access log \(quoted(log.value.name)) is there twice, first on line \(first.position.line)",
                at: log.position)
        }
        if case .file(let path) = log.value.destination, !path.isEmpty,
            let first = earlier.first(where: { $0.value.destination == log.value.destination })
        {
            context.report(
                "\(quoted(path)) already has the lines of the log on line \(first.position.line)", at: log.position)
        }
    }
}

extension ValueDecoder<AccessLogConfiguration> {
    fileprivate static func accessLog(isNamed: Bool) -> Self {
        .mapping { keys in
            let name =
                isNamed
                ? keys.require("name", .logName, placeholder: "") : keys.take("name", .logName, default: "access")
            var log = AccessLogConfiguration(
                name: name, destination: keys.takeLogDestination(),
                format: keys.take("format", .logFormat, default: .combined))
            log.conditions = LogConditions(
                statuses: keys.take("only", .loggedStatuses),
                slowerThan: keys.take("slower", .time(in: .milliseconds(1)...(.seconds(86_400))), default: .zero),
                sample: keys.take("sample", .sample, default: 1))
            log.takeWriting(&keys)
            return log
        }
    }
}

extension AccessLogConfiguration {
    /// What all logs of requests have.
    mutating func takeWriting(_ keys: inout MappingReader) {
        isDefault = keys.take("default", .boolean, default: true)
        rotation = keys.take("rotate", .logRotation)
        if rotation != nil {
            switch destination {
            case .file: break
            case .standardOutput, .syslog:
                keys.context.report("only files are rotated", at: keys.position(of: "rotate") ?? keys.position)
            }
        }
        buffer = keys.take("buffer", .size(in: 256 << 10...1 << 30), default: buffer)
    }
}

extension MappingReader {
    /// `path` or `syslog`.
    mutating func takeLogDestination() -> AccessLogConfiguration.Destination {
        let syslog = take("syslog", .syslog)
        let path =
            names.contains("syslog")
            ? take("path", .logDestination) : require("path", .logDestination, placeholder: .standardOutput)
        if names.contains("syslog"), names.contains("path") {
            context.report("a log has either path or syslog", at: position)
        }
        return syslog.map { .syslog($0) } ?? path ?? .standardOutput
    }
}

extension ValueDecoder<AccessLogConfiguration.Destination> {
    fileprivate static var logDestination: Self {
        let path = ValueDecoder<String>.path
        return Self { node, context in
            node.scalar?.string == "-" ? .standardOutput : path.decode(node, context).map { .file($0) }
        }
    }
}

extension ValueDecoder<LogRotation> {
    fileprivate static var logRotation: Self {
        .mapping { keys in
            let rotation = LogRotation(
                size: keys.take("size", .size(in: 64 << 10...1 << 40)),
                isDaily: keys.take("daily", .boolean, default: false),
                keep: keys.take("keep", .integer(in: 1...1000), default: 7))
            if !keys.names.contains("size"), !rotation.isDaily {
                keys.context.report("expected a size, or daily: true", at: keys.position)
            }
            return rotation
        }
    }
}

extension ValueDecoder<SyslogConfiguration> {
    /// An address, or a mapping with more.
    fileprivate static var syslog: Self {
        let section = Self.mapping { keys in
            var syslog = SyslogConfiguration(address: keys.require("to", .syslogAddress, placeholder: .unix("")))
            syslog.facility = keys.take("facility", .facility, default: syslog.facility)
            syslog.tag = keys.take("tag", .syslogTag, default: syslog.tag)
            return syslog
        }
        return section.or(scalar: .syslogAddress) { SyslogConfiguration(address: $0) }
    }
}

extension ValueDecoder<SyslogConfiguration.Address> {
    fileprivate static var syslogAddress: Self {
        Self { node, context in
            let text = node.scalar?.string ?? ""
            if text.hasPrefix("unix:"), text.utf8.count > 5, !text.contains("\0") {
                let path = context.absolutePath(String(text.dropFirst(5)))
                if path.utf8.count <= AdminConfiguration.maximumSocketPathBytes { return .unix(path) }
            }
            if text.hasPrefix("udp:"), let address = BindAddress(String(text.dropFirst(4))), address.port != 0 {
                return .udp(address)
            }
            context.report(
                "expected unix: and the path of a socket, or udp: with a numeric address and a port, found \(node.found)",
                at: node)
            return nil
        }
    }
}

extension ValueDecoder<Int> {
    /// RFC 5424 §6.2.1.
    fileprivate static var facility: Self {
        .word(
            "a facility",
            [
                "user": 1, "daemon": 3, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20,
                "local5": 21, "local6": 22, "local7": 23,
            ])
    }
}

extension ValueDecoder<String> {
    /// APP-NAME (RFC 5424 §6.2.5).
    fileprivate static var syslogTag: Self {
        text("1 to 48 visible characters") { text in
            (1...48).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
        }
    }
}

// MARK: Conditions

extension ValueDecoder<[ClosedRange<Int>]> {
    /// `only`: a mapping, so that there is room for other conditions.
    fileprivate static var loggedStatuses: Self {
        .mapping { keys in
            keys.require("status", .list("statuses", of: .statusRange), placeholder: [])
        }
    }
}

extension ValueDecoder<ClosedRange<Int>> {
    fileprivate static var statusRange: Self {
        text("a status such as 404, or a range such as 400-599") { text in
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
                part.utf8.count == 3 && part.utf8.allSatisfy(isDigit) ? Int(part) : nil
            }
            guard let first = ends.first, let first, let last = ends.last, let last, ends.count <= 2 else { return nil }
            return (100...599).contains(first) && (first...599).contains(last) ? first...last : nil
        }
    }
}

extension ValueDecoder<Int> {
    /// 100 for `1/100`.
    static var sample: Self {
        text("a part of the requests such as 1/100") { text in
            guard text.hasPrefix("1/") else { return nil }
            let digits = text.dropFirst(2)
            guard digits.utf8.allSatisfy(isDigit), let count = Int(digits), (1...1_000_000).contains(count) else {
                return nil
            }
            return count
        }
    }
}

// MARK: Format

extension ValueDecoder<AccessLogConfiguration.Format> {
    static var logFormat: Self {
        let word = word(
            "a log format", ["combined": .combined, "json": .json(LogField.json), "w3c": .w3c(LogField.w3c)])
        let section = ValueDecoder<Self.Draft>.mapping { keys in
            let drafts = [
                keys.take("json", .list("fields", of: .logField)).map { Value.json($0) },
                keys.take("w3c", .list("fields", of: .w3cField)).map { Value.w3c($0) },
                keys.take("template", .logTemplate).map { Value.template($0) },
            ]
            if keys.names.filter({ ["json", "w3c", "template"].contains($0) }).count != 1 {
                keys.context.report(
                    "expected one of json and w3c with a list of fields, or template with a text", at: keys.position)
            }
            return Draft(format: drafts.compactMap { $0 }.first)
        }
        return Self { node, context in
            if case .mapping = node { return section.decode(node, context)?.format }
            return word.decode(node, context)
        }
    }

    struct Draft {
        var format: AccessLogConfiguration.Format?
    }
}

extension ValueDecoder<LogField> {
    fileprivate static var logField: Self {
        text("a field of a request") { text throws(Refusal) in try field(text) }
    }

    fileprivate static var w3cField: Self {
        text("a field of the W3C extended format") { text throws(Refusal) in
            if let field = LogField(w3c: text) { return field }
            throw Refusal(
                message: "unknown field \(quoted(text))",
                suggestion: nearestName(
                    to: text,
                    among: LogField.w3cNames.map(\.name) + LogField.Kind.allCases.map { LogField($0).w3cName }))
        }
    }
}

extension ValueDecoder<[LogTemplatePiece]> {
    fileprivate static var logTemplate: Self {
        text("a text with fields such as {status}") { text throws(Refusal) in
            guard !text.isEmpty, let pieces = TemplatePiece.pieces(of: text, braces: .doubled) else {
                throw Refusal(message: "a '{' begins the name of a field, which ends with '}'; '{{' is a brace")
            }
            guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                throw Refusal(message: "a line has no control characters")
            }
            var template: [LogTemplatePiece] = []
            for piece in pieces {
                switch piece {
                case .literal(let text): template.append(.literal(text))
                case .name(let name): template.append(.field(try field(name)))
                }
            }
            return template
        }
    }
}

private func field(_ text: String) throws(Refusal) -> LogField {
    if let field = LogField(text) { return field }
    if text.hasPrefix("header.") {
        throw Refusal(
            message: "\(quoted(text)) cannot be logged: it is no name of a field, or the field has credentials")
    }
    throw Refusal(
        message: "unknown field \(quoted(text))",
        suggestion: nearestName(to: text, among: LogField.Kind.allCases.map(\.rawValue)))
}
