import ArgumentParser
import Gateway

struct Certs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the certificates that the configuration names.",
        discussion: "Exits 78 when one cannot be used, and with --check when one expires soon.")

    @OptionGroup var file: ConfigurationFile

    @Flag(help: "Print one JSON array.")
    var json = false

    @Flag(help: "Exit 78 when a certificate expires within the time given.")
    var check = false

    @Option(help: ArgumentHelp("How far --check looks ahead, such as 14d or 36h.", valueName: "time"))
    var within = TimeAhead(argument: "14d")!

    func run() throws {
        let survey = CertificateSurvey(try Check.load(file.path))
        print(json ? survey.json : survey.text)
        let expiring = check ? survey.expiring(within: within.duration) : []
        let complaints = survey.problems.map { "\(file.path): error: \($0)" } + expiring
        for complaint in complaints { complain(complaint) }
        if !complaints.isEmpty { throw Status.configurationError }
    }
}

/// A length of time on the command line, written as in the configuration file.
struct TimeAhead: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let time = Configuration.duration(argument) else { return nil }
        duration = time
    }
}
