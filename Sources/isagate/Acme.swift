import ArgumentParser
import Gateway

struct Acme: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the certificates that the gateway orders, or have something done about one.",
        subcommands: [
            List.self, Renew.self, Test.self, Records.self, AcmeImportCommand.self, Revoke.self, RollOver.self,
        ], defaultSubcommand: List.self)

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

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Order certificates from the directories for tests, and throw them away.",
            discussion: """
                The running gateway answers the challenges; nothing of what it serves or has stored for serving changes. \
                Exits 69 when no gateway runs, 1 when an order fails.
                """)

        @Argument(help: "A host of a site with certificates by acme; by default all are tried.")
        var name: String?

        @Flag(help: "Order from the directory itself where none for tests is known. The authority counts every order.")
        var production = false

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.acme, file, acme: .test(name: name, inProduction: production)).message)
        }
    }

    struct Records: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dns-record", abstract: "Print the records that prove names by dns-persist-01.",
            discussion: """
                As lines of a zone file. The account that they name is made if there is none yet. Exits 69 when no gateway \
                runs, 1 when it fails.
                """)

        @Argument(help: "A host of a site with certificates by acme; by default all.")
        var name: String?

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.acme, file, acme: .persistentRecords(name: name)).message)
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
