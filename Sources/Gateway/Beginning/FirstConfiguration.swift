/// The text of a first configuration, for what was found or asked for. It is a value: `FirstFiles` finds and writes.
package struct FirstConfiguration: Sendable, Equatable {
    /// A certificate with its names.
    package struct Certificate: Sendable, Equatable {
        package var chain: String
        package var key: String
        package var hosts: [String]
        /// Where it comes from, in words.
        package var origin: String
    }

    package enum Content: Sendable, Equatable {
        case welcome
        case files(String)
        case proxy(String)
    }

    package var certificates: [Certificate]
    package var content = Content.welcome
    /// A library, and the name of its extension.
    private var library: (path: String, name: String)? { libraryPath.map { ($0, Self.name(of: $0)) } }
    private var libraryPath: String?
    package var securePort: Int
    package var plainPort: Int
    /// Whether certificates are renewed by another program.
    package var isRenewed = false

    package init(certificates: [Certificate], securePort: Int, plainPort: Int) {
        self.certificates = certificates
        self.securePort = securePort
        self.plainPort = plainPort
    }

    /// Adds an ISAPI extension.
    package mutating func run(_ library: String) { libraryPath = library }

    package var text: String {
        var lines = [
            "# Made by `isagate init`. `isagate check` reports every mistake in this file, and `isagate reload` makes the",
            "# running gateway read it again. Every key is described in isagate.yaml(5) and docs/configuration.md.",
            "",
            "version: 1",
            "",
            "listeners:",
            "  secure:",
            "    bind: \(quoted(":\(securePort)"))  # every address, IPv4 and IPv6",
            "    tls: {}  # TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1",
            "  plain:  # without TLS; only to lead clients to the other one",
            "    bind: \(quoted(":\(plainPort)"))",
            "",
            "admin:",
            "  socket: run/isagate.sock  # for `isagate reload`, `status`, `stop` and `drain`",
            "",
            "log:",
            "  access: { path: \"-\", format: combined }  # \"-\" is standard output; off for none",
        ]
        if isRenewed { lines += ["", "watch: true  # renewed certificates are taken as soon as their files change"] }
        if let library {
            lines += [
                "", "extensions:",
                "  \(library.name): { library: \(quoted(library.path)) }  # run: isolated puts it into a process of its own",
            ]
        }
        lines += ["", "sites:"]
        for certificate in certificates { lines += site(certificate) }
        lines += [
            "  - hosts: [\"*\"]  # any name, without TLS",
            "    listen: [plain]",
            "    routes:",
            "      - { path: \"/*\", redirect: { to: \(quoted(secureURL)), status: 308 } }",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// Port 443 is not part of a URL.
    private var secureURL: String { "https://{host}\(securePort == 443 ? "" : ":\(securePort)"){uri}" }

    private func site(_ certificate: Certificate) -> [String] {
        let hosts = certificate.hosts.map { $0.contains(":") ? "[\($0)]" : $0 }.map(quoted).joined(separator: ", ")
        var lines = [
            "  - hosts: [\(hosts)]", "    listen: [secure]", "    certificates:  # \(certificate.origin)",
            "      - { chain: \(quoted(certificate.chain)), key: \(quoted(certificate.key)) }",
            "    routes:  # the first whose path matches answers",
        ]
        let path = library.map { content == .welcome ? "/*" : "/\($0.name)/*" }
        if let library, let path {
            lines.append("      - { path: \(quoted(path)), extension: \(library.name) }")
            if content != .welcome {
                lines.append("      - { path: \(quoted("/\(library.name)")), extension: \(library.name) }")
            }
        }
        switch content {
        case .welcome where path == "/*": break
        case .welcome:
            lines.append("      - { path: \"/*\", respond: \"It works. Now write routes for your content.\\n\" }")
        case .files(let folder):
            lines.append(
                "      - { path: \"/*\", files: { root: \(quoted(folder)), index: [index.html], listing: off } }")
        case .proxy(let url): lines.append("      - { path: \"/*\", proxy: \(quoted(url)) }  # an upstream by itself")
        }
        return lines
    }

    /// The name of an extension: letters, digits, `-`, `_` and `.` of the file's name.
    private static func name(of path: String) -> String {
        let file = path.split(separator: "/").last ?? "extension"
        let base = file.hasSuffix(".so") ? file.dropLast(3) : file
        let name = String(
            String.UnicodeScalarView(base.unicodeScalars.filter { $0.isASCII && isNameByte(UInt8($0.value)) }))
        return name.isEmpty ? "extension" : name
    }

    /// A YAML text in double quotes, in which `${` is no variable.
    private func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("${", with: "$${")
        return "\"\(escaped)\""
    }
}
