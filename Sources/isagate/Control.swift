import ArgumentParser
import Gateway

/// Common code of the commands that communicate with a running gateway.
enum Control {
    /// Sends a command to the gateway of a configuration file and returns its answer; reports a failure.
    static func ask(
        _ command: AdminRequest.Command, _ file: ConfigurationFile, pool: String? = nil, trace: TraceFilter? = nil,
        acme: AcmeCommand? = nil
    ) throws -> AdminResponse {
        let response: AdminResponse
        do throws(AdminClient.Failure) {
            let socket = try socket(of: file.path)
            let request = AdminRequest(command, pool: pool, trace: trace, acme: acme)
            response = try Progress.show({ progress(of: command, socket) }) { () throws(AdminClient.Failure) in
                try AdminClient.ask(request, socket: socket)
            }
        } catch {
            complain(error.message.contains("error: ") ? error.message : "isagate: error: \(error.message)")
            switch error {
            case .notRunning: throw Status.notRunning
            case .noAnswer: throw Status.runtimeFailure
            case .invalid: throw Status.configurationError
            }
        }
        guard response.exitCode == 0 else {
            complain(response.message.contains("error: ") ? response.message : "isagate: error: \(response.message)")
            throw ExitCode(response.exitCode)
        }
        return response
    }

    /// What the gateway does about a command that may take long; nil for others, and when it does not say.
    private static func progress(of command: AdminRequest.Command, _ socket: String) -> String? {
        switch command {
        case .stop, .drain:
            guard let status = try? AdminClient.ask(AdminRequest(.status), socket: socket).status,
                let count = status.gateway?.connections
            else { return nil }
            return "draining: \(count == 1 ? "1 connection is" : "\(count) connections are") left"
        case .reload: return "reloading: the files are read and tried"
        case .acme: return "waiting for the authority"
        case .recyclePool: return "waiting for the new process and for the requests of the old one"
        default: return nil
        }
    }

    static func socket(of file: String) throws(AdminClient.Failure) -> String {
        let path: String?
        do throws(ConfigurationErrors) {
            path = try Configuration.adminSocket(path: file)
        } catch {
            throw .invalid(error.description)
        }
        guard let path else { throw .invalid("\(file): admin.socket is not set, so a running gateway cannot be found") }
        return path
    }
}

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the running gateway re-read its configuration and certificates, and wait for the outcome.",
        discussion: "Exits 69 when no gateway runs, 75 when a reload is under way already, 78 when it was refused.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var output: Output

    func run() throws {
        let response = try Control.ask(.reload, file)
        guard let report = response.reload else { return }
        output.show(report, text: ([response.message] + report.changes).joined(separator: "\n"))
    }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print the state of the running gateway.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var output: Output

    func run() throws {
        let response = try Control.ask(.status, file)
        guard let status = response.status else { return }
        output.show(status, text: status.text)
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the running gateway finish within drain.grace; returns when it has.")

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        _ = try Control.ask(.stop, file)
    }
}

struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the running gateway finish, however long that takes; returns when it has.")

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        _ = try Control.ask(.drain, file)
    }
}

/// How data is printed.
struct Output: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    func show(_ value: some Encodable, text: String) {
        print(json ? jsonText(of: value) : text)
    }
}

extension SupervisorStatus {
    fileprivate var text: String {
        guard let gateway else { return "no gateway process serves" }
        var lines = [
            "isagate \(gateway.version), process \(gateway.pid), supervisor \(supervisorPid)",
            "up \(gateway.uptimeSeconds) s, \(gateway.workers) workers, generation \(gateway.generation)",
            "\(gateway.connections) connections of \(gateway.clients) clients, \(gateway.requests) requests",
            "\(reloads) reloads, \(failedReloads) failed; \(restarts) restarts",
        ]
        if let records = gateway.records { lines.append(records) }
        if let first = gateway.certificates.min(by: { $0.secondsLeft < $1.secondsLeft }) {
            let count = gateway.certificates.count
            lines.append("\(count) certificates; the first to expire, on \(first.notAfter): \(first.file)")
        }
        lines += (conditions ?? []).map { "\($0.reason): \($0.text)" }
        if drainingProcesses > 0 { lines.append("\(drainingProcesses) gateway processes are finishing") }
        lines += gateway.listeners.map { "listener \($0.name): \($0.addresses.joined(separator: " "))" }
        for upstream in gateway.upstreams {
            lines += upstream.servers.map { "upstream \(upstream.name): \($0.url) \($0.state)" }
        }
        lines += gateway.refusals.map { "\($0.topic): \($0.reason): \($0.count)" }
        lines += (gateway.accessLogs ?? []).map { log in
            let stacks = log.stacks.map { ", \($0.taken) stacks, \($0.dropped) left out" } ?? ""
            return "access log \(log.name): \(log.lines) lines" + (log.lost > 0 ? ", \(log.lost) lost" : "") + stacks
        }
        lines += gateway.extensions.map { one in
            let place = one.pool.map { $0 == "in_process" ? ", in process" : ", in pool \($0)" } ?? ""
            return "extension \(one.name): \(one.description ?? "not loaded")\(place)"
        }
        return lines.joined(separator: "\n")
    }
}
