import ArgumentParser
import Gateway
import Migration

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a configuration from that of another server.",
        subcommands: [ImportNginx.self, ImportIIS.self])
}

/// Where an imported configuration goes, and how what is left out is told.
struct ImportOutput: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The file to write, in place of standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(help: "Replace the file of --output if it exists.")
    var force = false

    @Flag(help: "Exit 1 when something is not carried over.")
    var strict = false

    @Flag(help: "Name what needs no setting, too, on standard error.")
    var verbose = false

    /// Writes the configuration, and the report to standard error.
    func write(_ configuration: ConfigurationSection, _ report: Ledger.Report, from source: String) throws {
        let text = ConfigurationWriter.text(
            of: configuration, header: Self.header(report, source), footer: Self.footer(report))
        if let output {
            do throws(GatewayError) {
                try ConfigurationText.create(output, with: text, replacing: force)
            } catch {
                complain("isagate: error: \(error.message)")
                throw Status.runtimeFailure
            }
        } else {
            print(text, terminator: "")
        }
        for line in report.omitted { complain("not carried over: \(line)") }
        for line in report.remarks { complain("differs: \(line)") }
        if verbose { for line in report.unneeded { complain("not needed: \(line)") } }
        complain(
            "\(report.omitted.count) not carried over, \(report.remarks.count) with a difference, "
                + "\(report.unneeded.count) not needed")
        if let output { complain("Next: isagate check -c \(output)") }
        if strict, !report.omitted.isEmpty { throw Status.runtimeFailure }
    }

    private static func header(_ report: Ledger.Report, _ source: String) -> [String] {
        var lines = ["Made from \(source) by isagate import. Each line names where it comes from."]
        if !report.omitted.isEmpty { lines += ["", "Not carried over:"] + report.omitted.map { "  " + $0 } }
        if !report.remarks.isEmpty {
            lines += ["", "Carried over with a difference:"] + report.remarks.map { "  " + $0 }
        }
        return lines
    }

    private static func footer(_ report: Ledger.Report) -> [String] {
        report.unneeded.isEmpty ? [] : ["Not needed:"] + report.unneeded.map { "  " + $0 }
    }
}

struct ImportNginx: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nginx", abstract: "Make a configuration from nginx's.",
        discussion: """
            Files are the main file, or files with server blocks; what they include is read with them. What cannot be
            carried over is listed on standard error and at the beginning of the result. Exits 78 when a file cannot be
            read, and 1 with --strict when something is not carried over.
            """)

    @Argument(help: "nginx's configuration files.", completion: .file())
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "The folder that relative paths of content begin at (nginx -p); that of the first file by default.",
            valueName: "folder"))
    var prefix: String?

    @OptionGroup var output: ImportOutput

    func run() throws {
        let result: NginxImport
        do throws(MigrationError) {
            result = try NginxImport(files.map(SystemFiles.absolute), prefix: prefix.map(SystemFiles.absolute))
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
        try output.write(result.configuration, result.report, from: files.joined(separator: ", "))
    }
}

struct ImportIIS: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "iis", abstract: "Make a configuration from that of IIS.",
        discussion: """
            Files are applicationHost.config (in %windir%\\System32\\inetsrv\\config) and web.config of its sites, or
            web.config alone. What cannot be carried over is listed on standard error and at the beginning of the result.
            Exits 78 when a file cannot be read, and 1 with --strict when something is not carried over.
            """)

    @Argument(help: "applicationHost.config and web.config.", completion: .file())
    var files: [String]

    @Option(
        help: ArgumentHelp(
            #"A folder of Windows and the one that has its place, such as 'C:\inetpub=/srv/www'; several times."#,
            valueName: "windows=folder"))
    var map: [String] = []

    @Option(
        help: ArgumentHelp(
            "The site that files called web.config belong to; by default the first one.", valueName: "name"))
    var site: String?

    @OptionGroup var output: ImportOutput

    func validate() throws { _ = try paths() }

    private func paths() throws -> PathMap {
        var paths = PathMap()
        for rule in map where !paths.add(rule) {
            throw ValidationError("--map: '\(rule)' is no folder of Windows, '=' and an absolute path")
        }
        return paths
    }

    func run() throws {
        let result: IISImport
        let paths = try paths()
        do throws(MigrationError) {
            result = try IISImport(files.map(SystemFiles.absolute), map: paths, site: site)
        } catch {
            complain(error.description)
            throw Status.configurationError
        }
        try output.write(result.configuration, result.report, from: files.joined(separator: ", "))
    }
}
