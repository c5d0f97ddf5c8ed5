import ArgumentParser
import Gateway

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Send a recorded request to another gateway, and compare the status.",
        discussion: """
            Fields and parameters that were masked, and fields of the connection, are left out; what is left out is
            listed on standard error. Exits 0 when the status is the same, 1 when it is another or the request cannot be
            sent again, 69 when there is no connection.
            """)

    @Argument(help: "The identifier of the request; none for a file with one record.")
    var requestID: String?

    @Option(help: ArgumentHelp("The gateway: scheme, host and port.", valueName: "url"))
    var to: String

    @Option(
        name: .customLong("file"),
        help: ArgumentHelp("Records of `isagate trace --json`, in place of the running gateway's.", valueName: "file"))
    var records: String?

    @Option(
        help: ArgumentHelp("A field to send, in place of a recorded one of its name.", valueName: "name: value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("The content of the request.", valueName: "file"))
    var body: String?

    @Option(help: ArgumentHelp("A file of authorities, in place of the system's.", valueName: "file"))
    var ca: String?

    @Flag(help: "Accept every certificate.")
    var insecure = false

    @Option(help: ArgumentHelp("For everything together, 30s by default.", valueName: "time"))
    var timeout: String?

    @OptionGroup var file: ConfigurationFile

    func validate() throws {
        guard requestID != nil || records != nil else { throw ValidationError("expected an identifier or --file") }
        guard ca == nil || !insecure else { throw ValidationError("--ca and --insecure exclude each other") }
        _ = try url()
        _ = try time()
        for field in header where !isField(field) {
            throw ValidationError("--header: '\(field)' is no field; expected 'Name: value'")
        }
    }

    private func isField(_ line: String) -> Bool {
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return false }
        return !line[..<colon].contains(" ") && line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }

    private func url() throws -> RequestURL {
        guard let url = RequestURL(to), url.target == "/" else {
            throw ValidationError("--to: '\(to)' is no URL of a gateway, such as https://127.0.0.1:8443")
        }
        return url
    }

    private func time() throws -> Duration {
        guard let timeout else { return .seconds(30) }
        guard let time = Configuration.duration(timeout), .milliseconds(1)...(.seconds(3600)) ~= time else {
            throw ValidationError("--timeout: '\(timeout)' is no time from 1ms to 1h")
        }
        return time
    }

    func run() throws {
        let record = try record()
        let body = try body.map { path in try orComplain { () throws(ReplayFailure) in try ReplayFile.read(path) } }
        let url = try url()
        let request = try orComplain { () throws(ReplayFailure) in
            try ReplayRequest(record, added: header, body: body, to: url.authority)
        }
        if !request.omitted.isEmpty {
            let names = request.omitted.joined(separator: ", ")
            complain("isagate: warning: left out, because their values are not recorded: \(names)")
        }
        var replay = Replay(request, to: url)
        replay.authorities = ca
        replay.isVerified = !insecure
        replay.time = try time()
        let response = try orComplain { () throws(ReplayFailure) in try replay.run() }
        print("\(record.replayText) -> \(response.text)")
        if response.status != record.status { throw ExitCode(1) }
    }

    private func record() throws -> TraceRecord {
        if let records {
            return try orComplain { () throws(ReplayFailure) in
                try ReplayFile.record(in: records, requestID: requestID)
            }
        }
        var filter = TraceFilter()
        filter.requestID = requestID
        filter.limit = 1
        guard let record = try Control.ask(.trace, file, trace: filter).trace?.records.last else {
            complain("isagate: error: no request with the identifier \(requestID ?? "") is recorded")
            throw Status.runtimeFailure
        }
        return record
    }

    private func orComplain<Value>(_ body: () throws(ReplayFailure) -> Value) throws -> Value {
        do throws(ReplayFailure) {
            return try body()
        } catch {
            complain("isagate: error: \(error.message)")
            if case .unreachable = error { throw Status.notRunning }
            throw Status.runtimeFailure
        }
    }
}
