/// A `server` block.
final class NginxServer {
    let directive: NginxDirective
    let scope: NginxScope
    let listens: [NginxListen]
    /// Host patterns of the gateway, without `"*"`.
    let hosts: [String]
    /// The name that `$server_name` has.
    let name: String?

    init(_ directive: NginxDirective, in http: NginxScope, _ ledger: Ledger) {
        self.directive = directive
        let scope = NginxScope(directive.block ?? [], in: http)
        self.scope = scope
        ledger.carry(directive.item)
        let usesTLS = scope.own("ssl").last.map { $0.first == "on" } ?? false
        if usesTLS, let ssl = scope.own("ssl").last { ledger.carry(ssl.item) }
        let written = scope.own("listen")
        let parsed = written.compactMap { NginxListen($0, usesTLS: usesTLS, ledger) }
        // Without a directive nginx listens on port 80.
        listens = written.isEmpty ? [NginxListen(place: directive.place)] : parsed
        let names = scope.own("server_name")
        hosts = Self.hosts(names, ledger)
        name = names.first?.arguments.first { !$0.hasPrefix("~") && !$0.isEmpty }
    }

    private static func hosts(_ directives: [NginxDirective], _ ledger: Ledger) -> [String] {
        var hosts: [String] = []
        for directive in directives {
            ledger.carry(directive.item)
            for name in directive.arguments {
                let name = name.lowercased()
                switch true {
                case name == "_" || name.isEmpty: break
                case name.hasPrefix("~"):
                    ledger.remark(
                        directive.place,
                        "the expression '\(name)' is not carried over: hosts are names, or '*.' and a domain")
                case name.hasPrefix(".") && isHost(name.dropFirst()): hosts += [String(name.dropFirst()), "*" + name]
                case name.hasPrefix("*.") && isHost(name.dropFirst(2)):
                    hosts.append(name)
                    ledger.remark(
                        directive.place, "'\(name)' stands for one label here; nginx's also stands for several")
                case isHost(name[...]) || name.hasPrefix("[") && name.hasSuffix("]"): hosts.append(name)
                default:
                    ledger.remark(directive.place, "'\(name)' is not carried over: it is no host name")
                }
            }
        }
        var seen = Set<String>()
        return hosts.filter { seen.insert($0).inserted }
    }

    private static func isHost(_ name: Substring) -> Bool {
        !name.isEmpty && name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) }
            }
    }
}

/// A `listen` directive.
struct NginxListen {
    /// `0.0.0.0`, `[::]`, `127.0.0.1` or `localhost`.
    var address = "0.0.0.0"
    var port = 80
    var usesTLS = false
    var usesProxyProtocol = false
    var isHTTP2 = false
    var isDefault = false
    var place: Place

    init(place: Place) { self.place = place }

    /// Nil when the gateway cannot listen there.
    init?(_ directive: NginxDirective, usesTLS: Bool, _ ledger: Ledger) {
        place = directive.place
        let parameters = Set(directive.arguments.dropFirst())
        if parameters.contains("quic") {
            ledger.markUnneeded(directive.item, "there is no HTTP/3; clients use HTTP/2 of the TLS listener")
            return nil
        }
        var text = directive.first
        if text.hasPrefix("unix:") {
            ledger.omit(directive.item, "the gateway listens on addresses only; let the client connect to 127.0.0.1")
            return nil
        }
        if text.hasPrefix("*") { text = text == "*" ? "0.0.0.0" : "0.0.0.0" + text.dropFirst() }
        if let number = Int(text) {
            port = number
        } else if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            address = String(text[...end])
            let rest = text[text.index(after: end)...]
            port = rest.hasPrefix(":") ? Int(rest.dropFirst()) ?? 0 : 80
        } else {
            let parts = text.split(separator: ":", maxSplits: 1)
            address = parts.first.map(String.init) ?? ""
            port = parts.count == 2 ? Int(parts[1]) ?? 0 : 80
        }
        let isNumeric =
            address.hasPrefix("[") || address == "localhost"
            || address.split(separator: ".").count == 4 && address.allSatisfy { "0123456789.".contains($0) }
        guard isNumeric, (1...65535).contains(port) else {
            ledger.omit(directive.item, "bind takes a numeric address and a port; add the listener by hand")
            return nil
        }
        ledger.carry(directive.item)
        self.usesTLS = usesTLS || parameters.contains("ssl") || parameters.contains("spdy")
        usesProxyProtocol = parameters.contains("proxy_protocol")
        isHTTP2 = parameters.contains("http2")
        isDefault = parameters.contains("default_server") || parameters.contains("default")
        if parameters.contains("ipv6only=off"), address == "[::]" {
            ledger.remark(directive.place, "ipv6only=off: add \"0.0.0.0:\(port)\" to the listener for IPv4")
        }
    }

    var bind: String { "\(address):\(port)" }

    var isWildcard: Bool { address == "0.0.0.0" || address == "[::]" }
}
