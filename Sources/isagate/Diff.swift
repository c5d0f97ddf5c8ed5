import ArgumentParser
import Gateway

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare the configuration file with what the running gateway serves: what would a reload change?",
        discussion: """
            Exits 0 when nothing would change, 1 when something would, and with more when the two cannot be compared: 2
            when the gateway gives no answer, 69 when none runs, 78 when the file or a certificate cannot be used.
            """)

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var output: Output

    func run() throws {
        let comparison: ConfigurationComparison
        do {
            comparison = try compare()
        } catch let status as Status where status == .runtimeFailure {
            throw ExitCode(2)
        } catch let code as ExitCode where code.rawValue == 1 {
            throw ExitCode(2)
        }
        output.show(comparison, text: comparison.description)
        if !comparison.isSame { throw ExitCode(1) }
    }

    private func compare() throws -> ConfigurationComparison {
        let served = try Control.served(file)
        let certificates = try Control.ask(.certs, file).certificates ?? []
        let new = try ConfigurationSource.load(file.path)
        let survey = CertificateSurvey(new.configuration)
        guard survey.problems.isEmpty else {
            for problem in survey.problems { complain("\(file.path): error: \(problem)") }
            throw Status.configurationError
        }
        return ConfigurationComparison(of: served, with: new, certificates: (certificates, survey.certificates))
    }
}
