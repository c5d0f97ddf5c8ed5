import ArgumentParser
import Gateway

struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a library is a loadable extension, and what is wrong with it.",
        discussion: """
            Loads the library in a process of its own, which runs its DllMain, GetExtensionVersion and TerminateExtension.
            Exits 1 when it cannot be loaded.
            """)

    @Argument(help: "The library.", completion: .file())
    var file: String

    @Option(help: "How many seconds its code may take, 1 to 3600.")
    var timeout = 10

    @OptionGroup var output: Output

    func validate() throws {
        guard 1...3600 ~= timeout else { throw ValidationError("--timeout takes 1 to 3600 seconds") }
    }

    func run() throws {
        let report = ProbeReport(of: file, limitSeconds: timeout)
        output.show(report, text: report.text)
        if !report.isLoadable { throw Status.runtimeFailure }
    }
}

/// The process that `probe` starts; not for direct use.
struct ProbeProcessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ProbeProcess.command, abstract: "Load a library and report the result.", shouldDisplay: false)

    @Argument var file: String

    func run() {
        ProbeProcess.answer(file)
    }
}
