/// Makes a configuration of the gateway from nginx's directives.
///
/// Translations mark in the ledger what they carry over. Everything else is reported by the tables of `NginxKnowledge`,
/// or as unknown.
final class NginxTranslation {
    let ledger: Ledger
    /// The folder that relative paths of files begin at.
    let folder: String
    /// The folder that relative paths of content begin at.
    let prefix: String
    let http: NginxScope
    var upstreams: NginxUpstreams
    var logs = NginxLogs()
    var limitZones: [String: NginxLimitZone] = [:]
    /// Names of servers in variables are resolved by the name servers of the configuration.
    var needsResolver: NginxDirective?
    /// Listeners with the hosts that sites have there.
    var claimed: [String: Bool] = [:]

    init(_ http: NginxScope, ledger: Ledger, folder: String, prefix: String) {
        self.http = http
        self.ledger = ledger
        self.folder = folder
        self.prefix = prefix
        upstreams = NginxUpstreams(http.own("upstream"))
    }

    func carry(_ directive: NginxDirective) { ledger.carry(directive.item) }

    func omit(_ directive: NginxDirective, _ advice: String) { ledger.omit(directive.item, advice) }

    /// The path of a file that a directive names.
    func file(_ path: String) -> String { FilePath.normal(FilePath.join(folder, path)) }

    /// The path of a folder with content.
    func content(_ path: String) -> String {
        let path = FilePath.normal(FilePath.join(prefix, path))
        return path.isEmpty ? "/" : path
    }
}

/// An import of nginx's configuration.
package struct NginxImport {
    package var configuration: ConfigurationSection
    package var report: Ledger.Report

    /// Reads and translates configuration files.
    ///
    /// - Parameters:
    ///   - paths: the main file, or files with `server` blocks.
    ///   - prefix: the folder that relative paths of content begin at; by default that of the first file.
    package init(
        _ paths: [String], prefix: String? = nil, files: some SourceFiles = SystemFiles()
    ) throws(MigrationError) {
        let ledger = Ledger()
        let folder = FilePath.folder(of: paths.first ?? "")
        var parser = NginxParser(files: files, ledger: ledger, folder: folder)
        var directives: [NginxDirective] = []
        for path in paths { directives += try parser.parse(path) }

        let main = NginxScope(directives, in: nil)
        let blocks = directives.filter { $0.name == "http" }
        for block in blocks { ledger.carry(block.item) }
        // A file of a site has servers without a block around them.
        let contents = directives.filter { $0.block == nil || ["server", "upstream"].contains($0.name) }
        let http = NginxScope(blocks.flatMap { $0.block ?? [] } + contents, in: nil)
        let translation = NginxTranslation(http, ledger: ledger, folder: folder, prefix: prefix ?? folder)
        let servers = http.own("server")
        guard !servers.isEmpty else {
            throw MigrationError(
                file: paths.first ?? "",
                message: "there is no 'server' block; name the files that have them, too")
        }
        configuration = try translation.configuration(main, servers, file: paths.first ?? "")
        translation.close(directives)
        report = ledger.report
    }
}

extension NginxTranslation {
    func configuration(
        _ main: NginxScope, _ servers: [NginxDirective], file: String
    ) throws(MigrationError) -> ConfigurationSection {
        readLimitZones()
        let sites = servers.map { NginxServer($0, in: http, ledger) }
        let listeners = NginxListeners(sites, self)
        var written: [ConfigurationSection] = []
        for site in sites { written += try self.sites(for: site, listeners) }
        guard !written.isEmpty else {
            throw MigrationError(file: file, message: "none of the servers can be carried over")
        }

        var configuration = ConfigurationSection()
        configuration.set("version", "1", .reason("the format of this file"))
        addProcess(main, to: &configuration)
        configuration.set("listeners", listeners.section(self, used: written), .reason("listen"))
        configuration.set("admin", adminSection, .reason("for isagate reload, status, stop and drain"))
        configuration.set("log", logs.section, .reason("access_log"))
        configuration.set("limits", limits(sites), .reason("limits of nginx, or its defaults"))
        configuration.set("resolver", resolver(), .reason("resolver"))
        configuration.set("upstreams", upstreams.section, .reason("upstream, proxy_pass"))
        configuration.set("sites", .sections(written), .reason("server"))
        return configuration
    }

    private var adminSection: ConfigurationSection {
        var section = ConfigurationSection()
        section.set("socket", "run/isagate.sock", .reason("the control socket"))
        return section
    }

    private func addProcess(_ main: NginxScope, to configuration: inout ConfigurationSection) {
        if let workers = main.own("worker_processes").last {
            carry(workers)
            let count = Int(workers.first).map { String(min(max($0, 1), 256)) } ?? "auto"
            configuration.set("workers", count, workers.origin)
        }
        if let user = main.own("user").last {
            carry(user)
            if user.first == "root" {
                omit(user, "the gateway does not run as root; choose an account")
            } else {
                configuration.set("user", user.first, user.origin)
            }
        }
    }

    /// Limits of the whole gateway: of `http`, or of the first server that has them.
    private func limits(_ sites: [NginxServer]) -> ConfigurationSection {
        var limits = ConfigurationSection()
        func value(_ name: String) -> NginxDirective? {
            let inherited = http.own(name).last
            let own = sites.compactMap { $0.scope.own(name).last }
            guard let chosen = inherited ?? own.first else { return nil }
            carry(chosen)
            for other in own where other.id != chosen.id {
                if other.arguments == chosen.arguments {
                    carry(other)
                } else {
                    omit(other, "the gateway has this limit once for all sites: 'limits' has that of \(chosen.place)")
                }
            }
            return chosen
        }
        if let size = http.own("client_max_body_size").last, let bytes = NginxQuantity.bytes(size.first) {
            carry(size)
            limits.set("request_body", Self.bodySize(bytes), size.origin)
        } else {
            limits.set("request_body", "1M", .reason("nginx's default; 1G is the gateway's"))
        }
        let times = [
            ("client_header_timeout", "header_timeout"), ("client_body_timeout", "body_timeout"),
            ("keepalive_timeout", "idle_timeout"), ("send_timeout", "write_timeout"),
        ]
        for (name, key) in times {
            guard let directive = value(name) else { continue }
            guard let time = NginxQuantity.milliseconds(directive.first), time > 0 else {
                ledger.markUnneeded(directive.item, "connections stay open for further requests; see limits.\(key)")
                continue
            }
            limits.set(key, Quantity.time(milliseconds: time, in: Quantity.limits), directive.origin)
        }
        if let buffers = value("large_client_header_buffers"), buffers.arguments.count == 2,
            let count = Int(buffers.first), let size = NginxQuantity.bytes(buffers.arguments[1]), count < 100_000
        {
            let head = min(max(count * size, 1 << 10), 1 << 20)
            limits.set("request_head", Quantity.size(head, in: 1 << 10...1 << 20), buffers.origin)
            limits.set("request_line", Quantity.size(min(size, head), in: 256...1 << 20), buffers.origin)
        }
        return limits
    }

    /// Zero is no limit in nginx.
    static func bodySize(_ bytes: Int) -> String {
        bytes == 0 ? "1024G" : Quantity.size(bytes, in: 0...1 << 40)
    }

    private func resolver() -> ConfigurationSection {
        var section = ConfigurationSection()
        guard let directive = needsResolver else { return section }
        let addresses = directive.arguments.filter { !$0.contains("=") }.map { address in
            if address.hasPrefix("[") { return address.hasSuffix("]") ? address + ":53" : address }
            return address.contains(":") ? address : address + ":53"
        }
        let isNumeric = addresses.allSatisfy { $0.hasPrefix("[") || $0.allSatisfy { "0123456789.:".contains($0) } }
        guard isNumeric else {
            omit(directive, "resolver.servers takes addresses; by default those of /etc/resolv.conf are used")
            return section
        }
        carry(directive)
        section.set("servers", .texts(addresses), directive.origin)
        if let valid = directive.arguments.first(where: { $0.hasPrefix("valid=") }),
            let time = NginxQuantity.milliseconds(String(valid.dropFirst(6))), time >= 1000
        {
            section.set("max_ttl", Quantity.time(milliseconds: time, in: Quantity.day), directive.origin)
        }
        return section
    }

    /// Gives each directive its outcome.
    func close(_ directives: [NginxDirective]) {
        for directive in directives {
            let isCarried = ledger.close(directive.item, orElse: NginxKnowledge.outcome(of: directive))
            if isCarried, let block = directive.block { close(block) }
        }
    }
}
