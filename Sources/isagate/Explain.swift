import ArgumentParser
import Gateway

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain a reason that a log, a response or a command gives.",
        discussion: """
            A reason is named by its code, by its text, by a line of the log that contains it, or by the status of the
            response. Exits 64 when nothing is known about it.
            """)

    @Argument(help: "The reason.")
    var subject: [String] = []

    @Flag(help: "List all reasons.")
    var list = false

    @OptionGroup var output: Output

    func validate() throws {
        guard list != subject.isEmpty else { return }
        throw ValidationError(list ? "--list takes no reason" : "expected a reason, or --list")
    }

    func run() throws {
        if list { return output.show(ReasonCatalogue.reasons, text: ReasonCatalogue.list) }
        try explainReason(subject.joined(separator: " "))
    }

    private func explainReason(_ words: String) throws {
        let reasons = ReasonCatalogue.find(words)
        guard reasons.isEmpty else {
            return output.show(reasons, text: reasons.map(\.description).joined(separator: "\n\n"))
        }
        complain("isagate: error: there is no reason '\(words)'")
        let nearest = ReasonCatalogue.nearest(words)
        if !nearest.isEmpty { complain("Similar are: \(nearest.joined(separator: ", ")).") }
        complain("See 'isagate explain --list' for those there are.")
        throw ExitCode.validationFailure
    }
}
