import ArgumentParser
import Gateway
import Glibc

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a first configuration for what is found here, check it, and say what to type next.",
        discussion: """
            It asks nothing. Certificates are those of certbot; without them one is made, which clients have to be told to
            trust. The content is what --proxy, --extension or --files name, or a folder with an index.html, or a line of
            text. Ports are 443 and 80 for root, and 8443 and 8080 for others. Exits 78 when the result is not valid.
            """)

    @Option(help: ArgumentHelp("Forward requests to a server, such as http://127.0.0.1:3000.", valueName: "url"))
    var proxy: String?

    @Option(
        name: .customLong("extension"), help: ArgumentHelp("Run an ISAPI extension.", valueName: "file"),
        completion: .file())
    var library: String?

    @Option(help: ArgumentHelp("Serve the files of a folder.", valueName: "folder"), completion: .directory)
    var files: String?

    @Option(help: ArgumentHelp("A host name, in place of those found; may be given several times.", valueName: "name"))
    var host: [String] = []

    @Option(help: ArgumentHelp("Where certbot keeps the current certificates.", valueName: "folder"))
    var certbot = "/etc/letsencrypt/live"

    @Option(help: ArgumentHelp("The port for HTTPS.", valueName: "number"))
    var port: Int?

    @Option(help: ArgumentHelp("The port for HTTP, which leads to HTTPS.", valueName: "number"))
    var httpPort: Int?

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var output = "isagate.yaml"

    @Flag(help: "Replace the file, and a certificate that was made before.")
    var force = false

    func validate() throws {
        guard proxy == nil || files == nil else { throw ValidationError("--proxy and --files exclude each other") }
        for port in [port, httpPort].compactMap({ $0 }) where !(1...65535).contains(port) {
            throw ValidationError("a port is a number from 1 to 65535")
        }
        guard port == nil || port != httpPort else { throw ValidationError("--port and --http-port are the same") }
    }

    func run() throws {
        var found = FirstFiles(output: output, certbot: certbot)
        found.hosts = host
        found.isReplacing = force
        guard force || !found.exists else {
            complain("isagate: error: \(output) exists; --force replaces it")
            throw Status.runtimeFailure
        }
        let first: FirstConfiguration
        do throws(GatewayError) {
            first = try configuration(found)
            try found.write(first)
        } catch {
            complain("isagate: error: \(error.message)")
            throw Status.runtimeFailure
        }
        print("\(output): written, for \(first.certificates.flatMap(\.hosts).joined(separator: ", "))")
        try Check.check(output)
        show(first)
    }

    private func configuration(_ found: FirstFiles) throws(GatewayError) -> FirstConfiguration {
        // Other accounts cannot bind ports below 1024.
        let isRoot = geteuid() == 0
        var certificates: [FirstConfiguration.Certificate] = []
        if host.isEmpty {
            let survey = found.certbotCertificates()
            for problem in survey.problems { complain("isagate: warning: \(problem)") }
            certificates = survey.found
        }
        let isRenewed = !certificates.isEmpty
        if !isRenewed { certificates = [try found.ownCertificate()] }
        var first = FirstConfiguration(
            certificates: certificates, securePort: port ?? (isRoot ? 443 : 8443),
            plainPort: httpPort ?? (isRoot ? 80 : 8080))
        first.isRenewed = isRenewed
        if let library { first.run(found.absolute(library)) }
        if let proxy {
            first.content = .proxy(proxy)
        } else if let files {
            first.content = .files(found.absolute(files))
        } else if library == nil, let folder = found.contentFolder() {
            first.content = .files(folder)
        }
        return first
    }

    private func show(_ first: FirstConfiguration) {
        let port = first.securePort == 443 ? "" : ":\(first.securePort)"
        var lines = ["", "Next:", "  isagate run -c \(output)"]
        if let certificate = first.certificates.first {
            let host = certificate.hosts.first { !$0.hasPrefix("*") } ?? "localhost"
            let trust = first.isRenewed ? "" : "--cacert \(certificate.chain) "
            lines.append("  curl \(trust)https://\(host)\(port)/")
            if !first.isRenewed {
                lines += [
                    "For a name on the internet, write 'certificates: acme' and a section 'acme', so that the gateway orders the",
                    "certificate (docs/acme.md); or let certbot get one, and write its files into 'certificates', or begin again",
                    "with --force.",
                ]
            }
        }
        print(lines.joined(separator: "\n"))
    }
}
