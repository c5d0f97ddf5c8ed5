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

    @OptionGroup var output: Output

    func run() throws {
        let report = ProbeReport(of: file)
        output.show(report, text: report.text)
        if !report.isLoadable { throw Status.runtimeFailure }
    }
}

/// What `probe` starts; nobody types it.
struct ProbeProcessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ProbeProcess.command, abstract: "Load a library and tell what came of it.", shouldDisplay: false)

    @Argument var file: String

    func run() {
        ProbeProcess.answer(file)
    }
}
