import Testing

@testable import Gateway

struct ServersFileTests {
    @Test
    func aListMayBeYAMLOrJSON() throws {
        let yaml = try decoded("- http://10.0.0.1:80\n- { url: 'https://app.example', weight: 3, backup: true }\n")
        let json = try decoded(#"["http://10.0.0.1:80", {"url": "https://app.example", "weight": 3, "backup": true}]"#)
        #expect(yaml == json)
        #expect(yaml.map(\.url.description) == ["http://10.0.0.1:80", "https://app.example:443"])
        #expect(yaml[1].weight == 3 && yaml[1].isBackup)
    }

    @Test
    func pathsOfSocketsAreRelativeToTheFile() throws {
        #expect(try decoded("- unix:app.sock")[0].url == .unix(path: "/run/servers/app.sock"))
    }

    @Test
    func aListMayBeEmptyButNotAbsent() throws {
        #expect(try decoded("[]").isEmpty)
        #expect(mistakes("") == ["1: expected a list of servers, found nothing"])
        #expect(mistakes("servers: []") == ["1: expected a list of servers, found a mapping"])
    }

    @Test
    func everyMistakeIsNamedWithItsLine() {
        let text = "- http://10.0.0.1\n- { url: 'http://10.0.0.2', wieght: 3 }\n- http://10.0.0.1\n- { url: ftp://x }\n"
        #expect(
            mistakes(text) == [
                "2: unknown key 'wieght'", "3: the same server is given twice, first on line 1",
                "4: expected a URL such as http://127.0.0.1:9000, https://app.example or unix:/run/app.sock, "
                    + "found 'ftp://x'",
            ])
    }

    @Test
    func sizeAndNumberAreLimited() {
        let many = (0...ServersFile.maximumServers).map { "- http://10.0.0.1:\($0 + 1)\n" }.joined()
        #expect(mistakes(many) == ["1: a file of servers has at most 1024, this one has 1025"])
        let large = "[]" + String(repeating: " ", count: ServersFile.maximumBytes)
        #expect(mistakes(large) == ["0: a file of servers has at most 1024 KiB, this one has more"])
    }

    @Test
    func configuredServersAreUsedWhileTheFileHasNone() throws {
        let configuration = try configured("servers: [ 'http://127.0.0.1:9000' ], ")
        #expect(try urls(configuration, file: "[]") == ["http://127.0.0.1:9000"])
        #expect(try urls(configuration, file: "- http://127.0.0.1:9001") == ["http://127.0.0.1:9001"])
        #expect(try urls(try configured(""), file: "[]") == [])
    }

    @Test
    func theFileIsWatchedWithoutWatchingCertificates() throws {
        #expect(try configured("").watchedFiles.paths == ["/etc/isagate/servers.yaml"])
    }

    private func configured(_ servers: String) throws -> Configuration {
        var text = ConfigurationText()
        text.more = "upstreams: { api: { \(servers)servers_from: servers.yaml } }"
        return try decode(text.text, files: ["/etc/isagate/servers.yaml"])
    }

    private func urls(_ configuration: Configuration, file: String) throws -> [String] {
        try configuration.takingServers { _ throws(SystemError) in Array(file.utf8) }
            .upstreams[0].servers.map(\.url.description)
    }

    private func decoded(_ text: String) throws -> [ServerConfiguration] {
        try ServersFile.decode(Array(text.utf8), file: "/run/servers/api.yaml")
    }

    private func mistakes(_ text: String) -> [String] {
        do throws(ConfigurationErrors) {
            _ = try ServersFile.decode(Array(text.utf8), file: "/run/servers/api.yaml")
            return []
        } catch {
            return error.diagnostics.map { "\($0.position?.line ?? 0): \($0.message)" }
        }
    }
}
