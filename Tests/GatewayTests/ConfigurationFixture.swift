@testable import Gateway

/// The shortest valid file, in parts that tests replace or extend.
struct ConfigurationText {
    var head = "version: 1"
    var listeners = "listeners: { plain: { bind: [\"127.0.0.1:8080\"] } }"
    var more = ""
    var sites = "sites: [{ hosts: [localhost], routes: [{ path: /, respond: {} }] }]"

    var text: String { [head, listeners, more, sites].filter { !$0.isEmpty }.joined(separator: "\n") + "\n" }
}

/// Decodes as if the file were `/etc/isagate/gateway.yaml` and these files existed beside it; `/closed` may not be
/// entered.
func decode(
    _ text: String, files: Set<String> = ["/etc/isagate/hello.so", "/etc/isagate/site.pem", "/etc/isagate/site.key"],
    folders: Set<String> = ["/etc/isagate", "/srv/public", "/var/tmp"], environment: [String: String] = [:],
    hasIPv6: Bool = true
) throws(ConfigurationErrors) -> Configuration {
    let system = SystemFacts(
        variable: { environment[$0] },
        account: { ["isagate": Account(name: "isagate", user: 990, group: 991), "root": .root][$0] },
        numberedAccount: { [990: Account(name: "isagate", user: 990, group: 991), 0: .root][$0] },
        hasIPv6: { hasIPv6 })
    return try Configuration.decode(text: text, file: "gateway.yaml", folder: "/etc/isagate", system: system) { path in
        if path.hasPrefix("/closed/") { return .hidden(behind: "/closed") }
        return files.contains(path) ? .file : folders.contains(path) ? .folder : nil
    }
}

extension Account {
    fileprivate static let root = Account(name: "root", user: 0, group: 0)
}

/// The mistakes in a text as `line:column message`, with the suggestion in brackets.
func mistakes(_ text: String) -> [String] {
    do throws(ConfigurationErrors) {
        _ = try decode(text)
        return []
    } catch {
        return error.diagnostics.map { diagnostic in
            let position = diagnostic.position.map { "\($0.line):\($0.column) " } ?? ""
            return position + diagnostic.message + (diagnostic.suggestion.map { " [\($0)]" } ?? "")
        }
    }
}

/// The mistakes in a file whose only route is this one, which is on line 5 from column 7.
func mistakes(inRoute route: String) -> [String] {
    mistakes(inRoutes: [route])
}

func mistakes(inRoutes routes: [String]) -> [String] {
    var text = ConfigurationText(more: "extensions: { hello: { library: hello.so } }")
    let list = routes.map { "      " + $0 }.joined(separator: ",\n")
    text.sites = "sites: [{ hosts: [localhost], routes: [\n" + list + "]}]"
    return mistakes(text.text)
}
