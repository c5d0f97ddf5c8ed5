/// The access logs: each file with its format is one log.
struct NginxLogs {
    private struct Log {
        var name: String
        var section: ConfigurationSection
        var target: String
    }

    private var logs: [Log] = []
    private var level: (word: String, origin: Origin)?

    /// The gateway's limit.
    private static let most = 31

    var section: ConfigurationSection {
        var section = ConfigurationSection()
        if let first = logs.first {
            section.set("access", .sections(logs.map(\.section)), first.section.entries[0].origin)
        }
        return section
    }

    /// `log` of a site or a route.
    mutating func choice(_ directives: [NginxDirective], _ translation: NginxTranslation) -> ConfigurationSection {
        var rules = ConfigurationSection()
        guard let first = directives.first else { return rules }
        var names: [String] = []
        for directive in directives {
            if directive.first == "off" {
                translation.carry(directive)
                continue
            }
            if let name = name(of: directive, translation), !names.contains(name) { names.append(name) }
        }
        rules.set("log", names.isEmpty ? .text("off") : .texts(names), first.origin)
        return rules
    }

    private mutating func name(of directive: NginxDirective, _ translation: NginxTranslation) -> String? {
        let target = directive.first
        guard NginxText(target).isLiteral else {
            translation.omit(directive, "a log has one file; its lines can have the host as a field")
            return nil
        }
        if let condition = directive.arguments.first(where: { $0.hasPrefix("if=") }) {
            translation.ledger.remark(
                directive.place, "'\(condition)': every request has a line; see 'only', 'slower' and log of routes")
        }
        if let same = logs.first(where: { $0.target == target }) {
            translation.carry(directive)
            return same.name
        }
        guard logs.count < Self.most else {
            translation.omit(directive, "\(Self.most) access logs are possible; the lines go to the first one")
            return logs[0].name
        }
        var section = ConfigurationSection()
        let base = target.hasPrefix("syslog:") ? "syslog" : Self.baseName(FilePath.name(of: target))
        var name = base
        var number = 2
        while logs.contains(where: { $0.name == name }) {
            name = "\(base)-\(number)"
            number += 1
        }
        section.set("name", name, directive.origin)
        if target.hasPrefix("syslog:") {
            guard let address = Self.syslog(target) else {
                translation.omit(
                    directive, "'syslog' takes unix: and a socket, or udp: with a numeric address and a port")
                return nil
            }
            section.set("syslog", address, directive.origin)
        } else if ["/dev/stdout", "/dev/stderr", "stderr", "/proc/self/fd/1"].contains(target) {
            section.set("path", "-", directive.origin)
        } else {
            section.set("path", FilePath.normal(FilePath.join(translation.prefix, target)), directive.origin)
        }
        translation.carry(directive)
        let format =
            directive.arguments.count > 1 && !directive.arguments[1].contains("=") ? directive.arguments[1] : "combined"
        let (value, origin) = self.format(format, directive, translation)
        section.set("format", value, origin)
        section.set("default", "false", directive.origin)
        logs.append(Log(name: name, section: section, target: target))
        return name
    }

    private static func baseName(_ name: String) -> String {
        let base = name.hasSuffix(".log") ? String(name.dropLast(4)) : name
        let clean = String(
            base.unicodeScalars.map {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
                    ? Character($0) : "-"
            }.prefix(60))
        return clean.isEmpty || clean == "off" ? "access" : clean
    }

    private static func syslog(_ target: String) -> String? {
        let parts = target.dropFirst("syslog:".count).split(separator: ",")
        guard let server = parts.first(where: { $0.hasPrefix("server=") })?.dropFirst(7) else { return nil }
        if server.hasPrefix("unix:") { return String(server) }
        let address = server.contains(":") && !server.hasSuffix("]") ? String(server) : server + ":514"
        let isNumeric = address.hasPrefix("[") || address.allSatisfy { "0123456789.:".contains($0) }
        return isNumeric ? "udp:" + address : nil
    }

    /// `combined`, `json`, or a template of the same fields.
    private func format(
        _ name: String, _ directive: NginxDirective, _ translation: NginxTranslation
    ) -> (ConfigurationValue, Origin) {
        if name == "combined" { return (.text("combined"), directive.origin) }
        guard let definition = translation.http.own("log_format").first(where: { $0.first == name }) else {
            translation.ledger.remark(directive.place, "the format '\(name)' is not there; lines are 'combined'")
            return (.text("combined"), directive.origin)
        }
        var words = Array(definition.arguments.dropFirst())
        if words.first == "escape=json" {
            translation.carry(definition)
            translation.ledger.remark(
                definition.place, "lines are JSON with the gateway's names; see 'json' for a choice")
            return (.text("json"), definition.origin)
        }
        if words.first?.hasPrefix("escape=") ?? false { words.removeFirst() }
        let text = NginxText(words.joined())
        var unknown: [String] = []
        let template = text.replaced(literal: { $0.replacing("{", with: "{{") }) { variable in
            if let field = Self.field(variable) { return "{\(field)}" }
            unknown.append(variable)
            return "-"
        }
        translation.carry(definition)
        if !unknown.isEmpty {
            let names = unknown.prefix(5).map { "$" + $0 }.joined(separator: ", ")
            translation.ledger.remark(definition.place, "a '-' stands for \(names): there is no such field")
        }
        guard let template, !template.isEmpty, !template.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            return (.text("combined"), definition.origin)
        }
        var section = ConfigurationSection()
        section.set("template", template, definition.origin)
        return (.section(section), definition.origin)
    }

    private static func field(_ variable: String) -> String? {
        let fields = [
            "remote_addr": "client", "remote_port": "client_port", "remote_user": "user", "time_local": "time_common",
            "time_iso8601": "time", "msec": "time_unix", "request": "request", "request_method": "method",
            "uri": "path",
            "document_uri": "path", "args": "query", "query_string": "query", "status": "status",
            "body_bytes_sent": "bytes", "bytes_sent": "bytes", "http_referer": "referer",
            "http_user_agent": "user_agent",
            "host": "host", "http_host": "host", "server_name": "host", "scheme": "scheme",
            "server_protocol": "protocol",
            "request_time": "duration_ms", "upstream_addr": "upstream_server", "upstream_response_time": "wait_ms",
            "upstream_connect_time": "connect_ms", "request_id": "request_id", "ssl_protocol": "tls_version",
            "ssl_cipher": "tls_cipher", "server_addr": "server_address", "server_port": "server_port",
            "request_length": "request_bytes", "ssl_client_s_dn": "client_subject", "ssl_server_name": "server_name",
            "binary_remote_addr": "client", "realip_remote_addr": "client", "ssl_session_reused": "tls_resumed",
            "http_x_forwarded_for": "header.x-forwarded-for", "upstream_header_time": "wait_ms",
        ]
        if let field = fields[variable] { return field }
        let secrets = ["http_authorization", "http_proxy_authorization", "http_cookie"]
        guard variable.hasPrefix("http_"), !secrets.contains(variable) else { return nil }
        return "header." + variable.dropFirst(5).replacing("_", with: "-")
    }
}
