import ArgumentParser
import Gateway

struct Format: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt",
        abstract: "Lay out a configuration file: indentation, spaces, quotes and empty lines; comments stay.",
        discussion: """
            The file is written only when its layout changes, and only when the result has the same content. Exits 1
            with --check when the layout would change, and 78 when the file is not YAML.
            """)

    @Flag(help: "Change nothing; name the file and exit 1 when its layout would change.")
    var check = false

    @Argument(help: "The file, in place of that of --config; - for standard input and output.", completion: .file())
    var path: String?

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        let path = path ?? file.path
        let (before, after) = try formatted(path)
        if path == "-" {
            if !check { return print(after, terminator: "") }
        } else if !check, before != after {
            do throws(GatewayError) {
                try ConfigurationText.replace(path, with: after)
            } catch {
                complain("isagate: error: \(error.message)")
                throw Status.runtimeFailure
            }
        }
        guard check, before != after else { return }
        print(path)
        throw ExitCode(1)
    }

    private func formatted(_ path: String) throws -> (before: String, after: String) {
        let text: String
        do throws(ConfigurationErrors) {
            text = try path == "-" ? ConfigurationText.standardInput() : ConfigurationText.read(path)
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
        do throws(ConfigurationFormatter.Failure) {
            return (text, try ConfigurationFormatter.format(text, file: path))
        } catch {
            complain(error.message)
            if case .invalid = error { throw Status.configurationError }
            throw Status.runtimeFailure
        }
    }
}
