extension ValueDecoder<AccessLogConfiguration> {
    /// `log.slow`: a log of requests with a name and a condition of its own.
    static var slowLog: Self {
        .mapping { keys in
            let after = keys.require(
                "after", .time(in: .milliseconds(10)...(.seconds(86_400))), placeholder: .seconds(1))
            var log = AccessLogConfiguration(
                name: SlowLogConfiguration.name, destination: keys.takeLogDestination(),
                format: keys.take("format", .slowLogFormat, default: .slow))
            log.conditions.slowerThan = after
            var slow = SlowLogConfiguration()
            slow.takesStacks = keys.take("stack", .boolean, default: slow.takesStacks)
            slow.stacksPerSecond = keys.take("stacks_per_second", .integer(in: 1...100), default: slow.stacksPerSecond)
            log.slow = slow
            log.takeWriting(&keys)
            return log
        }
    }
}

extension LogConfiguration {
    /// It is one of the logs that sites and routes may name.
    mutating func addSlow(_ slow: Located<AccessLogConfiguration>, _ context: DecodingContext) {
        if access.contains(where: { $0.name == slow.value.name }) {
            context.report("an access log is called \(quoted(slow.value.name)) already", at: slow.position)
        }
        if case .file(let path) = slow.value.destination, !path.isEmpty,
            let other = access.first(where: { $0.destination == slow.value.destination })
        {
            context.report("\(quoted(path)) already has the lines of the log \(quoted(other.name))", at: slow.position)
        }
        access.append(slow.value)
        if access.count > AccessLogConfiguration.maximumCount {
            context.report(
                "at most \(AccessLogConfiguration.maximumCount) access logs are possible, with the slow log",
                at: slow.position)
        }
    }
}

extension ValueDecoder<AccessLogConfiguration.Format> {
    fileprivate static var slowLogFormat: Self {
        let format = logFormat
        return Self { node, context in
            switch node.scalar?.string {
            case "text": return .slow
            case "json": return .json(LogField.slow)
            case "combined", "w3c":
                context.report("the slow log is text or json, or has a template", at: node)
                return nil
            default: break
            }
            let value = format.decode(node, context)
            if case .w3c = value { context.report("the slow log is text or json, or has a template", at: node) }
            return value
        }
    }
}

extension AccessLogConfiguration.Format {
    /// The text of the slow log.
    static let slow = Self.template(slowTemplate)

    private static let slowTemplate: [LogTemplatePiece] = [
        .field(LogField(.time)), .literal(" "), .field(LogField(.client)), .literal(" "), .field(LogField(.host)),
        .literal(" \""), .field(LogField(.request)), .literal("\" "), .field(LogField(.status)), .literal(" "),
        .field(LogField(.milliseconds)), .literal(" ms: head "), .field(LogField(.headMilliseconds)),
        .literal(", queue "), .field(LogField(.queueMilliseconds)),
        .literal(", extension "), .field(LogField(.extensionRun)), .literal(" us"),
        .literal(", connect "), .field(LogField(.connectMilliseconds)),
        .literal(", response after "), .field(LogField(.responseMilliseconds)),
        .literal(", client "), .field(LogField(.clientMilliseconds)),
        .literal("; extension="), .field(LogField(.extensionName)), .literal(" pool="), .field(LogField(.pool)),
        .literal(" upstream="), .field(LogField(.upstream)), .literal(" server="), .field(LogField(.upstreamServer)),
        .literal(" retries="), .field(LogField(.upstreamRetries)),
        .literal(" request="), .field(LogField(.requestID)), .literal(" reason=\""), .field(LogField(.reason)),
        .literal("\""),
    ]
}
