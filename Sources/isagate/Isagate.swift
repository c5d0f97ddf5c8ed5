import ArgumentParser
import Gateway

/// The command line: its commands, and nginx's `-t` and `-s`.
@main
struct Isagate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isagate",
        abstract: "An HTTPS gateway that runs ISAPI extensions.",
        subcommands: [
            Run.self, Check.self, Reload.self, StatusCommand.self, Certs.self, Acme.self, Pools.self, Top.self,
            Trace.self,
            ReplayCommand.self, Stop.self, Drain.self, Explain.self, Diff.self, Format.self, Init.self, Import.self,
            Schema.self,
            Probe.self,
            Version.self, GatewayProcessCommand.self, ProbeProcessCommand.self,
        ])

    @OptionGroup var file: ConfigurationFile

    @Flag(name: .customShort("t"), help: "Check the configuration and exit, as `check` does.")
    var test = false

    @Option(name: .customShort("s"), help: "Tell the running gateway to reload, quit, stop or reopen its logs.")
    var signal: GatewaySignal?

    /// nginx's names of the signals.
    enum GatewaySignal: String, ExpressibleByArgument {
        case reload, quit, stop, reopen

        var command: AdminRequest.Command {
            switch self {
            case .reload: .reload
            case .quit: .drain
            case .stop: .stop
            case .reopen: .reopen
            }
        }
    }

    func run() throws {
        if test { return try Check.check(file.path) }
        guard let signal else { throw CleanExit.helpRequest(self) }
        _ = try Control.ask(signal.command, file)
    }

    static func main() {
        if let word = unknownCommand(CommandLine.arguments.dropFirst()) {
            let names = configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
            let suggestion = nearestName(to: word, among: names + ["help"]).map { "; did you mean '\($0)'?" } ?? ""
            complain("isagate: error: there is no command '\(word)'\(suggestion)")
            complain("See 'isagate --help' for those there are.")
            exit(withError: ExitCode.validationFailure)
        }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let status as Status {
            exit(withError: ExitCode(status.rawValue))
        } catch {
            // sysexits.h numbers a wrong command line 64, and ArgumentParser agrees.
            exit(withError: error)
        }
    }
}

extension Isagate {
    /// The first word in place of a command that is not one.
    private static func unknownCommand(_ arguments: some Sequence<String>) -> String? {
        let takingValues = ["-c", "--config", "-s", "--generate-completion-script"]
        let commands = configuration.subcommands.map { $0._commandName } + ["help"]
        var isValue = false
        for word in arguments {
            if isValue || word.hasPrefix("-") {
                isValue = !isValue && takingValues.contains(word)
                continue
            }
            return commands.contains(word) ? nil : word
        }
        return nil
    }
}

/// Exit codes other programs rely on (sysexits.h).
enum Status: Int32, Error {
    case runtimeFailure = 1
    case notRunning = 69
    case busy = 75
    case configurationError = 78

    init(_ error: GatewayError) {
        switch error {
        case .configuration: self = .configurationError
        case .runtime: self = .runtimeFailure
        }
    }
}

struct ConfigurationFile: ParsableArguments {
    @Option(name: [.customShort("c"), .customLong("config")], help: "The configuration file.")
    var config: String?

    /// The file named, or `isagate.yaml` in the working folder, or the system's.
    var path: String {
        config ?? Configuration.defaultPath
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() {
        print("isagate \(BuildVersion.text) (\(BuildVersion.libraries))")
        print(BuildVersion.records)
    }
}
