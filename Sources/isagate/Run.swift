import ArgumentParser
import Gateway

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until told to stop.",
        discussion: "TERM and INT drain within drain.grace, a second one stops at once; QUIT drains without limit.")

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        let signals = SignalReader()
        let configuration = try Check.load(file.path)
        let logger = configuration.log.makeLogger()
        do throws(GatewayError) {
            try Lifecycle(configuration, logger: logger).run(signals)
        } catch {
            logger.error("\(error.message)")
            if case .configuration = error { throw Status.configurationError }
            throw Status.runtimeFailure
        }
    }
}
