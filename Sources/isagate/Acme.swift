import ArgumentParser
import Gateway

struct Acme: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the certificates that the gateway orders, or have something done about one.",
        subcommands: [List.self, Renew.self, Revoke.self, RollOver.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "List the certificates that the gateway orders, when they are renewed, and what failed.",
            discussion: "Exits 69 when no gateway runs, 1 when an attempt has failed.")

        @OptionGroup var file: ConfigurationFile
        @OptionGroup var output: Output

        func run() throws {
            let certificates = try Control.ask(.status, file).status?.gateway?.acme ?? []
            let text = certificates.map(\.text).joined(separator: "\n")
            output.show(certificates, text: certificates.isEmpty ? "no certificates are ordered" : text)
            if certificates.contains(where: { $0.problem != nil }) { throw Status.runtimeFailure }
        }
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Order the certificates of a name again, if it is time, and wait for the first of them.",
            discussion: "Exits 69 when no gateway runs, 1 when it fails.")

        @Argument(help: "A host of a site with certificates by acme.")
        var name: String

        @Flag(help: "Order them whatever the time is. The authority counts every order.")
        var force = false

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.acme, file, acme: .renew(name: name, isForced: force)).message)
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke the certificates of a name, and have others ordered.")

        @Argument(help: "A host of a site with certificates by acme.")
        var name: String

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.acme, file, acme: .revoke(name: name)).message)
        }
    }

    struct RollOver: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollover", abstract: "Replace the key of the account at an issuer.")

        @Argument(help: "The issuer's name in the configuration.")
        var issuer: String

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.acme, file, acme: .rollOver(issuer: issuer)).message)
        }
    }
}
