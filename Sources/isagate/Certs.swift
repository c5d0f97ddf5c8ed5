import ArgumentParser
import Gateway

struct Certs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the certificates being served; when no gateway runs, those that the configuration names.",
        discussion: "Exits 78 when one cannot be used, and with --check when one expires soon.")

    @OptionGroup var file: ConfigurationFile

    @OptionGroup var output: Output

    @Flag(help: "Exit 78 when a certificate expires within the time given.")
    var check = false

    @Option(help: ArgumentHelp("How far --check looks ahead, such as 14d or 36h.", valueName: "time"))
    var within = TimeAhead(argument: "14d")!

    func run() throws {
        let survey = try served() ?? CertificateSurvey(try Check.load(file.path))
        output.show(survey.certificates, text: survey.text)
        let expiring = check ? survey.expiring(within: within.duration) : []
        let complaints = survey.problems.map { "\(file.path): error: \($0)" } + expiring
        for complaint in complaints { complain(complaint) }
        if !complaints.isEmpty { throw Status.configurationError }
    }
}

extension Certs {
    /// The certificates that the running gateway serves; nil, with a note, when none answers.
    private func served() throws -> CertificateSurvey? {
        let reason: String
        do throws(AdminClient.Failure) {
            let response = try AdminClient.ask(AdminRequest(.certs), socket: try Control.socket(of: file.path))
            if let certificates = response.certificates { return CertificateSurvey(certificates) }
            reason = response.message
        } catch {
            // Mistakes in the configuration are reported when it is read for its certificates.
            if case .invalid(let text) = error, text.contains("error: ") { return nil }
            reason = error.message
        }
        complain("isagate: note: \(reason); listing the files")
        return nil
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
