import ArgumentParser
import Gateway

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until stopped.",
        discussion: """
            HUP reloads the configuration and every certificate, USR1 reopens the log files, USR2 changes to the program
            that now stands where this one was started from. TERM and INT drain within drain.grace, a second one stops at
            once; QUIT drains without limit.
            """)

    @OptionGroup var file: ConfigurationFile

    @Flag(help: "Serve in this process, without a supervisor: for containers and debuggers.")
    var foregroundSingle = false

    func run() throws {
        if foregroundSingle, InitProcess.isNeeded {
            let status = InitProcess.run()
            if status != 0 { throw ExitCode(status) }
            return
        }
        do throws(GatewayError) {
            try Supervisor(configurationFile: file.path, isSingle: foregroundSingle).run()
        } catch {
            complain(error.report)
            throw Status(error)
        }
    }
}

/// The process that the supervisor starts; not for direct use.
struct GatewayProcessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway-process", abstract: "Serve what the supervisor hands over.", shouldDisplay: false)

    @Option(help: "The supervisor's process id.")
    var parent: Int32

    func run() throws {
        let status = GatewayProcess.run(parent: parent)
        if status != 0 { throw Status.runtimeFailure }
    }
}

extension GatewayError {
    /// A list of diagnostics already contains the word `error`.
    var report: String {
        message.contains("error: ") ? message : "isagate: error: \(message)"
    }
}
