import ArgumentParser
import Gateway

struct AcmeImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take accounts and certificates of certbot or Caddy over, so that nothing is ordered anew.",
        discussion: """
            A certificate is taken over when its names are those of a site with certificates by acme, an issuer of the \
            site has issued it, its key is of the wanted kind, and it is valid. What is stored already stays. What is not \
            taken over is told with the reason. Exits 75 while a gateway uses the storage, 1 when nothing can be read or \
            written.
            """)

    enum Client: String, ExpressibleByArgument, CaseIterable {
        case certbot, caddy
    }

    @Argument(help: "Whose they are: certbot or caddy.")
    var client: Client

    @Argument(
        help: "The folder that they are in: /etc/letsencrypt, or Caddy's with data.", completion: .directory)
    var folder: String

    @Flag(help: "Tell what would be done, and write nothing.")
    var dryRun = false

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        let configuration = try Check.load(file.path)
        do throws(AcmeImport.Failure) {
            let found = try AcmeImport(configuration, kind: client.rawValue, folder: folder)
            if !dryRun { try found.write() }
            for line in found.taken { print("\(dryRun ? "to be taken over" : "taken over"): \(line)") }
            for line in found.left { complain("not taken over: \(line)") }
            if found.taken.isEmpty { print("nothing is taken over") }
        } catch {
            complain("isagate: error: \(error.message)")
            if case .busy = error { throw Status.busy }
            throw Status.runtimeFailure
        }
    }
}
