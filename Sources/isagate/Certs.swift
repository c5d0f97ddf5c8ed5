import ArgumentParser
import Gateway
import TLS

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
        let configuration = try Check.load(file.path)
        let (reports, problems) = CertificateLoader().examine(configuration.tlsListeners)
        print(json ? CertificateListing.json(reports) : CertificateListing.text(reports))
        for problem in problems { complain("\(file.path): error: \(problem.description)") }
        let limit = Timestamp(seconds: Timestamp.now.seconds + within.seconds)
        let expiring = check ? reports.filter { $0.notAfter < limit } : []
        for report in expiring { complain("\(report.file): error: expires on \(report.notAfter)") }
        if !problems.isEmpty || !expiring.isEmpty { throw Status.configurationError }
    }
}

/// A length of time on the command line, written as in the configuration file.
struct TimeAhead: ExpressibleByArgument {
    let seconds: Int64

    init?(argument: String) {
        guard let time = Configuration.parseTime(argument) else { return nil }
        seconds = time.components.seconds
    }
}

/// Reports on certificates, for people and for programs.
enum CertificateListing {
    static func text(_ reports: [CertificateReport]) -> String {
        if reports.isEmpty { return "no certificates" }
        return reports.map { report in
            """
            \(report.hosts.joined(separator: ", "))
              file:    \(report.file)
              names:   \(report.names.joined(separator: ", "))
              issuer:  \(report.issuer)
              key:     \(report.keyType)
              serial:  \(report.serial)
              expires: \(report.notAfter)
            """
        }.joined(separator: "\n")
    }

    static func json(_ reports: [CertificateReport]) -> String {
        let objects = reports.map { report in
            let members = [
                ("hosts", array(report.hosts)), ("file", string(report.file)), ("names", array(report.names)),
                ("subject", string(report.subject)), ("issuer", string(report.issuer)),
                ("key", string(report.keyType.description)), ("serial", string(report.serial)),
                ("not_before", string(report.notBefore.description)),
                ("not_after", string(report.notAfter.description)),
            ]
            return "{" + members.map { "\(string($0)): \($1)" }.joined(separator: ", ") + "}"
        }
        return objects.isEmpty ? "[]" : "[\n  " + objects.joined(separator: ",\n  ") + "\n]"
    }

    private static func array(_ items: [String]) -> String {
        "[" + items.map(string).joined(separator: ", ") + "]"
    }

    /// RFC 8259 §7.
    private static func string(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
