import ArgumentParser
import Gateway
import Synchronization

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration, its certificates and the files it names.",
        discussion: "Prints every error as file:line:column and exits 78 when there is one.")

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        try Self.check(file.path)
    }

    static func check(_ path: String) throws {
        let configuration = try load(path, Configuration.loadWithUpstreamFiles)
        do throws(GatewayError) {
            for warning in try validate(configuration) { complain("\(path): warning: \(warning)") }
        } catch {
            complain("\(path): error: \(error.message)")
            throw Status.configurationError
        }
        for warning in configuration.warnings { complain("\(path):\(warning.line): warning: \(warning.text)") }
        for one in configuration.extensions { print("\(path): extension \(one.name) runs \(one.placementText)") }
        print("\(path): configuration is valid")
    }

    private static func validate(_ configuration: Configuration) throws(GatewayError) -> [String] {
        let certificates = configuration.sites.flatMap(\.certificates)
        let count = Set(certificates.map(\.chain)).union(certificates.map(\.key)).count
        let read = FileCount()
        return try Progress.show({ "checking certificates: \(read.value) of \(count) files" }) {
            () throws(GatewayError) in try Gateway.validate(configuration) { read.add() }
        }
    }

    /// Reads the file, or prints its mistakes.
    static func load(
        _ path: String, _ read: (String) throws(ConfigurationErrors) -> Configuration = Configuration.load
    ) throws -> Configuration {
        do throws(ConfigurationErrors) {
            return try read(path)
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
    }
}

extension ExtensionConfiguration {
    /// Where it runs, in words.
    fileprivate var placementText: String {
        guard let pool else { return "in the gateway's process" }
        let count = pool.settings.processes
        let processes = count == 1 ? "a process" : "\(count) processes"
        return pool.isShared ? "isolated, in \(processes) of pool \(pool.name)" : "isolated, in \(processes) of its own"
    }
}

private final class FileCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func add() { count.add(1, ordering: .relaxed) }
}
