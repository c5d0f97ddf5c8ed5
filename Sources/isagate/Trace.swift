import ArgumentParser
import Gateway
import Glibc

struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the last requests that the running gateway has recorded, from the oldest to the newest.",
        discussion: """
            The section recorder of the configuration file turns recording on. Secrets were masked before requests were
            recorded. Exits 1 when requests are not recorded.
            """)

    @Flag(help: "Go on with requests as they end, until Ctrl-C.")
    var follow = false

    @Option(help: ArgumentHelp("A status, 5xx or 400-499.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("The beginning of the path, as it was sent.", valueName: "path"))
    var path: String?

    @Option(help: ArgumentHelp("The address of the client.", valueName: "address"))
    var client: String?

    @Option(help: ArgumentHelp("The first host of the site.", valueName: "host"))
    var site: String?

    @Option(help: ArgumentHelp("Requests that took at least so long, such as 500ms.", valueName: "time"))
    var slowerThan: String?

    @Option(help: ArgumentHelp("The identifier of the request.", valueName: "id"))
    var requestID: String?

    @Flag(help: "Requests with a status from 400 on, and those whose response was cut off.")
    var failed = false

    @Option(
        help: ArgumentHelp("The newest requests, 1 to 1000; 100 by default, 10 with --follow.", valueName: "number"))
    var limit: Int?

    @Flag(name: .shortAndLong, help: "Print times, connection and fields as well.")
    var verbose = false

    @Flag(help: "Print JSON, one line for each request.")
    var json = false

    @OptionGroup var file: ConfigurationFile

    func validate() throws {
        if let limit, !(1...TraceFilter.highestLimit).contains(limit) {
            throw ValidationError("--limit takes 1 to \(TraceFilter.highestLimit)")
        }
        _ = try filter()
    }

    private func filter() throws -> TraceFilter {
        var filter = TraceFilter()
        if let status {
            guard let statuses = TraceFilter.statuses(status) else {
                throw ValidationError("--status: '\(status)' is no status such as 404, 5xx or 400-499")
            }
            filter.statuses = statuses
        }
        if let client {
            guard let address = TraceFilter.address(client) else {
                throw ValidationError("--client: '\(client)' is no IP address")
            }
            filter.client = address
        }
        if let slowerThan {
            guard let time = Configuration.duration(slowerThan) else {
                throw ValidationError("--slower-than: '\(slowerThan)' is no time such as 500ms")
            }
            filter.atLeastMilliseconds = UInt64(time / .milliseconds(1))
        }
        filter.path = path
        filter.site = site
        filter.requestID = requestID
        filter.failedOnly = failed
        filter.limit = limit ?? (follow ? 10 : TraceFilter.usualLimit)
        return filter
    }

    func run() throws {
        var filter = try filter()
        let interrupts = follow ? Interrupts() : nil
        var report = try look(filter)
        show(report)
        guard let interrupts else { return }
        filter.limit = TraceFilter.highestLimit
        while !interrupts.wait(milliseconds: 500) {
            filter.after = report.cursor
            report = try look(filter)
            if report.missed > 0 {
                complain("isagate: warning: \(report.missed) requests were displaced before they could be shown")
            }
            show(report)
        }
    }

    private func look(_ filter: TraceFilter) throws -> TraceReport {
        guard let report = try Control.ask(.trace, file, trace: filter).trace else {
            complain("isagate: error: the running gateway is older than this command")
            throw Status.runtimeFailure
        }
        return report
    }

    private func show(_ report: TraceReport) {
        for record in report.records {
            write((json ? jsonText(of: record) : verbose ? record.details : record.line) + "\n", to: STDOUT_FILENO)
        }
    }
}

/// The signals that end a command which goes on, as events to wait for.
@safe
private struct Interrupts {
    private var signals = sigset_t()

    init() {
        unsafe sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { unsafe sigaddset(&signals, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits; true if the command is to end.
    func wait(milliseconds: Int) -> Bool {
        var signals = signals
        var limit = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        return unsafe sigtimedwait(&signals, nil, &limit) > 0
    }
}
