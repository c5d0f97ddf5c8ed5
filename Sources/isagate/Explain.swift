import ArgumentParser
import Gateway

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain a reason that a log, a response or a command gives, or what a request would get.",
        discussion: """
            A reason is named by its code, by its text, by a line of the log that contains it, or by the status of the
            response. Exits 64 when nothing is known about it.

            For a URL, prints which listener, certificate, site, route and rules would decide about a request for it,
            each with its line in the configuration file, and what would refuse it. Nothing is sent: the request is
            routed in this process. Exits 1 when the request would be refused.
            """)

    @Argument(help: "The reason, or an absolute URL.")
    var subject: [String] = []

    @Flag(help: "List all reasons.")
    var list = false

    @Option(help: ArgumentHelp("The method of the request.", valueName: "method"))
    var method = "GET"

    @Option(help: ArgumentHelp("A field of the request; may be given several times.", valueName: "name: value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("The listener, in place of the one with the URL's port.", valueName: "name"))
    var listener: String?

    @Option(help: ArgumentHelp("The address of the client.", valueName: "address"))
    var client = "127.0.0.1"

    @Flag(help: "Use the configuration that the running gateway serves, in place of the file.")
    var running = false

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var output: Output

    func validate() throws {
        guard list != subject.isEmpty else { return }
        throw ValidationError(list ? "--list takes no reason" : "expected a reason, a URL or --list")
    }

    func run() throws {
        if list { return output.show(ReasonCatalogue.reasons, text: ReasonCatalogue.list) }
        let words = subject.joined(separator: " ")
        if subject.count == 1, words.contains("://"), !words.contains(" ") { return try explainRequest(words) }
        try explainReason(words)
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

    private func explainRequest(_ text: String) throws {
        guard let url = RequestURL(text) else {
            throw ValidationError("'\(text)' is no absolute URL of http or https without a user")
        }
        var question = RequestQuestion(url)
        question.method = method
        question.fields = header
        question.listener = listener
        guard question.setClient(client) else { throw ValidationError("--client: '\(client)' is no IP address") }
        if let mistake = question.mistake { throw ValidationError(mistake) }
        let explanation = RequestExplainer(try source()).explain(question)
        output.show(explanation, text: explanation.description)
        if !explanation.isAnswered { throw ExitCode(1) }
    }

    private func source() throws -> ConfigurationSource {
        try running ? Control.served(file) : ConfigurationSource.load(file.path)
    }
}

extension ConfigurationSource {
    /// Reads the file, or prints its mistakes.
    static func load(_ path: String) throws -> ConfigurationSource {
        do throws(ConfigurationErrors) {
            return try ConfigurationSource(path: path)
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
    }
}

extension Control {
    /// The configuration that the running gateway of a file serves.
    static func served(_ file: ConfigurationFile) throws -> ConfigurationSource {
        guard let served = try ask(.configuration, file).configuration else {
            complain("isagate: error: the running gateway is older than this command")
            throw Status.runtimeFailure
        }
        do throws(ConfigurationErrors) {
            return try ConfigurationSource(served)
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
    }
}
