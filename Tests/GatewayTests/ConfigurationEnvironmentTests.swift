import Testing

@testable import Gateway

@Suite("Environment variables in the configuration") struct ConfigurationEnvironmentTests {
    private static let environment = [
        "PORT": "8443", "HOST": "a.test", "_x9": "y", "EMPTY": "", "YAML": "[1, 2] # {a: b}", "DOLLAR": "${PORT}",
        "SIGN": "$",
    ]

    private static func body(_ text: String) throws -> String? {
        var file = ConfigurationText()
        file.sites = "sites: [{ hosts: [localhost], routes: [{ path: /, respond: { body: \(text) } }] }]"
        guard case .respond(let response) = try decode(file.text, environment: environment).sites[0].routes[0].action
        else { return nil }
        return response.body
    }

    @Test(arguments: [
        ("\"${PORT}\"", "8443"), ("'a${PORT}b'", "a8443b"), ("'${HOST}:${PORT}'", "a.test:8443"),
        ("'${_x9}'", "y"), ("'-${EMPTY}-'", "--"), ("'${YAML}'", "[1, 2] # {a: b}"),
        // The content of a variable is not expanded again.
        ("'${DOLLAR}'", "${PORT}"),
        ("'$${PORT}'", "${PORT}"), ("'$$${PORT}'", "$${PORT}"), ("'$${'", "${"),
        ("'$PORT $ {PORT} {PORT}'", "$PORT $ {PORT} {PORT}"),
        ("'${PORT}$'", "8443$"), ("'${SIGN}${PORT}'", "$8443"), ("'$'", "$"),
    ]) func `A variable's value stands in the place of its name`(_ text: String, _ expected: String) throws {
        #expect(try Self.body(text) == expected)
    }

    @Test func `Values of any kind may come from variables`() throws {
        var text = ConfigurationText(head: "version: 1\nworkers: ${TWO}\nlimits: { idle_timeout: '${TWO}s' }")
        text.listeners = "listeners: { plain: { bind: '127.0.0.1:${PORT}' } }"
        text.sites = "sites: [{ hosts: ['${HOST}'], routes: [{ path: '/${TWO}', respond: a }] }]"
        let configuration = try decode(text.text, environment: ["TWO": "2", "PORT": "81", "HOST": "a.test"])
        #expect(configuration.workers == .count(2))
        #expect(configuration.limits.idleTimeout == .seconds(2))
        #expect(configuration.listeners[0].bind.map(\.description) == ["127.0.0.1:81"])
        #expect(configuration.sites[0].hosts == [.exact("a.test")])
        #expect(configuration.sites[0].routes[0].path == .exact("/2"))
    }

    @Test(arguments: [
        ("workers: ${NOPE}", "3:10 the environment variable 'NOPE' is not set"),
        ("user: 'x${NOPE}'", "3:7 the environment variable 'NOPE' is not set"),
        (
            "user: '${NOPE'",
            "3:7 expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself"
        ),
        (
            "user: '${9}'",
            "3:7 expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself"
        ),
        (
            "user: '${}'",
            "3:7 expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself"
        ),
        (
            "user: '${A-B}'",
            "3:7 expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself"
        ),
        (
            "user: '${A B}'",
            "3:7 expected the name of an environment variable and '}' behind '${'; '$${' stands for '${' itself"
        ),
    ]) func `A variable that is not set, or none, is reported where it stands`(_ line: String, _ mistake: String) {
        #expect(mistakes(ConfigurationText(more: line).text) == [mistake])
    }

    @Test func `Every variable that is not set is reported`() {
        let found = mistakes(ConfigurationText(more: "workers: ${ONE}\nuser: ${TWO}${THREE}").text)
        #expect(
            ["ONE", "TWO", "THREE"].allSatisfy { name in
                found.contains { $0.hasSuffix("variable '\(name)' is not set") }
            })
    }

    @Test func `Comments and keys are left alone`() throws {
        #expect(mistakes(ConfigurationText(more: "# ${NOPE}\nworkers: 1 # ${NOPE}").text).isEmpty)
        #expect(mistakes(ConfigurationText(more: "${NOPE}: 1").text) == ["3:1 unknown key '${NOPE}'"])
    }
}
