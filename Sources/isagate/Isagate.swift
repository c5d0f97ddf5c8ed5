import ArgumentParser
import Gateway

/// The command line: `isagate run`, `check`, `certs`, `version`, and nginx's `-t`.
@main
struct Isagate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isagate",
        abstract: "An HTTPS gateway that runs ISAPI extensions.",
        subcommands: [Run.self, Check.self, Certs.self, Version.self])

    @OptionGroup var file: ConfigurationFile

    @Flag(name: .customShort("t"), help: "Check the configuration and exit, as `check` does.")
    var test = false

    func run() throws {
        guard test else { throw CleanExit.helpRequest(self) }
        try Check.check(file.path)
    }

    static func main() {
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

/// Exit codes other programs rely on (sysexits.h).
enum Status: Int32, Error {
    case runtimeFailure = 1
    case configurationError = 78
}

struct ConfigurationFile: ParsableArguments {
    @Option(name: [.customShort("c"), .customLong("config")], help: "The configuration file.")
    var config: String?

    /// The file named, or `isagate.yaml` here, or the system's.
    var path: String {
        config ?? Configuration.defaultPath
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() {
        print("isagate \(BuildVersion.text) (\(BuildVersion.libraries))")
    }
}
