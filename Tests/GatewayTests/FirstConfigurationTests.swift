import Testing

@testable import Gateway

@Suite("The first configuration")
struct FirstConfigurationTests {
    private let certificate = FirstConfiguration.Certificate(
        chain: "/c.pem", key: "/c.key", hosts: ["a.test", "*.a.test", "::1"], origin: "made")

    private func decoded(_ first: FirstConfiguration) throws -> Configuration {
        let folders = ["/srv"]
        return try Configuration.decode(text: first.text, file: "isagate.yaml", folder: "/") { path in
            folders.contains(path) ? .folder : .file
        }
    }

    private var first: FirstConfiguration {
        FirstConfiguration(certificates: [certificate], securePort: 8443, plainPort: 8080)
    }

    @Test("Without content it has a line of text, and HTTP leads to HTTPS")
    func welcome() throws {
        let configuration = try decoded(first)
        #expect(configuration.sites.count == 2)
        #expect(configuration.sites[0].hosts.map(\.description) == ["a.test", "*.a.test", "[::1]"])
        #expect(first.text.contains("https://{host}:8443{uri}"))
    }

    @Test("Files, a server and an extension are routes; an extension beside others is below its name")
    func content() throws {
        var first = first
        first.content = .files("/srv")
        #expect(try decoded(first).sites[0].routes.map(\.path.description) == ["/*"])
        first.content = .proxy("http://127.0.0.1:3000")
        first.run("/lib/my app.so")
        #expect(try decoded(first).sites[0].routes.map(\.path.description) == ["/myapp/*", "/myapp", "/*"])
        first.content = .welcome
        #expect(try decoded(first).sites[0].routes.map(\.path.description) == ["/*"])
    }

    @Test("Its layout is that of `isagate fmt`, and names with quotation marks stay values")
    func layout() throws {
        var first = first
        first.isRenewed = true
        first.content = .files("/srv/\"${HOME}\\")
        #expect(try ConfigurationFormatter.format(first.text, file: "isagate.yaml") == first.text)
        #expect(first.text.contains(#"root: "/srv/\"$${HOME}\\""#))
    }
}
