import Testing

@testable import Gateway

@Suite("Mistakes in a configuration") struct ConfigurationMistakeTests {
    @Test func `Five mistakes are all reported, in file order`() {
        let text = """
            version: 2
            workers: 300
            listeners:
              plain: { bind: ["127.0.0.1:8080"], tsl: {} }
            limits: { header_timeout: 10 }
            sites:
              - hosts: [localhost]
                listen: [plian]
                routes: [{ path: /, respond: {} }]
            """
        #expect(
            mistakes(text) == [
                "1:10 expected the version of the file's format, 1, found '2'",
                "2:10 workers must be from 1 to 256, found '300'",
                "4:38 unknown key 'tsl' [tls]",
                "5:27 expected a time such as 500ms, 10s, 5m, 1h or 1d for header_timeout, found '10'",
                "8:14 unknown listener 'plian' [plain]",
            ])
    }

    @Test func `A diagnostic is printed as compilers do`() throws {
        let error = #expect(throws: ConfigurationErrors.self) {
            try decode(ConfigurationText(more: "limits: { idle_timout: 5s }\nlog: { level: inof }").text)
        }
        #expect(
            error?.description == """
                gateway.yaml:3:11: error: unknown key 'idle_timout'; did you mean 'idle_timeout'?
                limits: { idle_timout: 5s }
                          ^
                gateway.yaml:4:15: error: expected a log level (trace, debug, info, notice, warning, error), \
                found 'inof'; did you mean 'info'?
                log: { level: inof }
                              ^

                """)
    }

    @Test func `The caret stands under its column behind a tab`() {
        let source = SourceText("\tx: [1, 2")
        let diagnostic = Diagnostic(file: "f", position: SourcePosition(line: 1, column: 5), message: "m")
        #expect(ConfigurationErrors([diagnostic], in: source).description == "f:1:5: error: m\n\tx: [1, 2\n\t   ^\n")
    }

    @Test(arguments: [(1, 0, 100), (50, 0, 100), (60, 9, 109), (500, 449, 549), (960, 900, 1000), (1001, 900, 1000)])
    func `Of a long line, what stands around the mistake is shown`(column: Int, first: Int, end: Int) {
        let line = String((0..<1000).map { Character(Unicode.Scalar(UInt8(33 + $0 % 90))) })
        let diagnostic = Diagnostic(file: "f", position: SourcePosition(line: 1, column: column), message: "m")
        let cut = (before: first > 0 ? "…" : "", behind: end < 1000 ? "…" : "")
        let shown = String(line[line.index(line.startIndex, offsetBy: first)...].prefix(end - first))
        let indent = String(repeating: " ", count: column - 1 - first + cut.before.count)
        #expect(
            ConfigurationErrors([diagnostic], in: SourceText(line)).description
                == "f:1:\(column): error: m\n\(cut.before)\(shown)\(cut.behind)\n\(indent)^\n")
    }

    @Test func `Of very many mistakes the first hundred are shown`() {
        let diagnostics = (1...250).map {
            Diagnostic(file: "f", position: SourcePosition(line: $0, column: 1), message: "m")
        }
        let lines = ConfigurationErrors(diagnostics, in: SourceText("")).description.split(separator: "\n")
        #expect(lines.filter { $0.contains(": error: m") }.count == 100)
        #expect(lines.last == "and 150 more errors")
    }

    @Test func `A syntax error is reported where YAML finds it`() {
        #expect(
            mistakes("version: 1\nworkers: [1, 2\nuser: x\n") == [
                "3:5 not valid YAML: while parsing a flow sequence: did not find expected ',' or ']'"
            ])
    }

    @Test func `A control character is reported where it stands`() {
        #expect(mistakes("version: 1\nuser: \u{1}\n") == ["2:7 not valid YAML: control characters are not allowed"])
    }

    @Test func `An empty file lacks what is required`() {
        #expect(
            mistakes("") == ["1:1 missing key 'listeners'", "1:1 missing key 'sites'", "1:1 missing key 'version'"])
    }

    @Test func `A mistyped required key is reported once`() {
        #expect(mistakes(ConfigurationText(head: "verison: 1").text) == ["1:1 unknown key 'verison' [version]"])
    }

    @Test func `Repeated keys are reported together with other mistakes`() {
        let text = ConfigurationText(more: "workers: 1\nworkers: x\n\"log\": {}\nlog: {}\nuser: []").text
        #expect(
            mistakes(text) == [
                "4:1 duplicate key 'workers', first on line 3",
                "4:10 expected a whole number for workers, found 'x'",
                "6:1 duplicate key 'log', first on line 5",
                "7:7 expected the name of an account, or a number, found a list",
            ])
    }

    @Test func `A key given three times is reported twice`() {
        let text = ConfigurationText(more: "workers: 1\nworkers: 2\nworkers: 3").text
        #expect(
            mistakes(text) == [
                "4:1 duplicate key 'workers', first on line 3", "5:1 duplicate key 'workers', first on line 3",
            ])
    }

    @Test(arguments: [
        ("workers: []", "3:10 expected a whole number for workers, found a list"),
        ("user: ''", "3:7 expected the name of an account, or a number, found ''"),
        ("limits: 5", "3:9 expected a mapping of keys to values, found '5'"),
        ("limits: { ? [a] : 1 }", "3:13 expected a name as the key, found a list"),
        ("log: { access: on }", "3:16 expected off, a mapping with a path and a format, or a list of such, found 'on'"),
        ("log: { access: { format: json } }", "3:16 missing key 'path'"),
        (
            "log: { access: { path: '-', format: xml } }",
            "3:37 expected a log format (combined, json, w3c), found 'xml'"
        ),
        ("log: { access: [{ path: a }] }", "3:17 missing key 'name'"),
        (
            "log: { access: [{ name: a b, path: a }] }",
            "3:25 expected the name of a log: letters, digits, '-', '_' and '.', found 'a b'"
        ),
        (
            "log: { access: [{ name: a, path: a }, { name: a, path: b }] }",
            "3:39 access log 'a' is there twice, first on line 3"
        ),
        (
            "log: { access: [{ name: a, path: x }, { name: b, path: ./x }] }",
            "3:39 '/etc/isagate/x' already has the lines of the log on line 3"
        ),
        (
            "log: { access: { path: a, only: { status: 600 } } }",
            "3:43 expected a status such as 404, or a range such as 400-599, found '600'"
        ),
        (
            "log: { access: { path: a, only: { status: 500-400 } } }",
            "3:43 expected a status such as 404, or a range such as 400-599, found '500-400'"
        ),
        (
            "log: { access: { path: a, rotate: {} } }",
            "3:35 expected a size, or daily: true"
        ),
        ("log: { access: { path: '-', rotate: { daily: true } } }", "3:37 only files are rotated"),
        ("log: { access: { path: a, syslog: 'unix:/dev/log' } }", "3:16 a log has either path or syslog"),
        (
            "log: { access: { syslog: 'udp:a.test:514' } }",
            "3:26 expected unix: and the path of a socket, or udp: with a numeric address and a port, found "
                + "'udp:a.test:514'"
        ),
        (
            "log: { access: { path: a, sample: 2/3 } }",
            "3:35 expected a part of the requests such as 1/100, found '2/3'"
        ),
        (
            "log: { access: { path: a, format: {} } }",
            "3:35 expected one of json and w3c with a list of fields, or template with a text"
        ),
        ("log: { access: { path: a, format: { json: [statos] } } }", "3:44 unknown field 'statos' [status]"),
        (
            "log: { access: { path: a, format: { w3c: [c-ipp] } } }", "3:43 unknown field 'c-ipp' [c-ip]"
        ),
        (
            "log: { access: { path: a, format: { template: '{status' } } }",
            "3:47 a '{' begins the name of a field, which ends with '}'; '{{' is a brace"
        ),
        (
            "log: { access: { path: a, format: { template: '{header.Authorization}' } } }",
            "3:47 'header.Authorization' cannot be logged: it is no name of a field, or the field has credentials"
        ),
        (
            "limits: { request_body: 2T }",
            "3:25 expected a size such as 512, 64K, 10M or 1G for request_body, found '2T'"
        ),
        ("limits: { request_head: 1 }", "3:25 request_head must be from 1K to 1M, found '1'"),
        (
            "limits: { request_head: 4K }",
            "3:25 request_line (8K) must not be larger than request_head (4K), which contains it"
        ),
        ("limits: { idle_timeout: 2h }", "3:25 idle_timeout must be from 100ms to 1h, found '2h'"),
        ("drain: { grace: }", "3:17 expected a time such as 500ms, 10s, 5m, 1h or 1d for grace, found nothing"),
        ("admim: {}", "3:1 unknown key 'admim' [admin]"),
        ("extensions: { a: { library: nowhere.so } }", "3:29 no such file: '/etc/isagate/nowhere.so'"),
        ("extensions: { a: { library: /srv/public } }", "3:29 '/srv/public' is a folder, not a file"),
        (
            "extensions: { a: { library: /closed/a.so } }",
            "3:29 cannot reach '/closed/a.so': folder '/closed' may not be entered"
        ),
        ("extensions: { a: {} }", "3:18 missing key 'library'"),
        ("extensions: { a b: { library: hello.so } }", "3:15 a name holds letters, digits, '-', '_' and '.' only"),
        (
            "extensions: { a: { library: hello.so, run: wine } }",
            "3:44 run: wine is not available; extensions run in_process or isolated"
        ),
        (
            "extensions: { a: { library: hello.so, threads: 0 } }",
            "3:48 threads must be from 1 to 256, found '0'"
        ),
        (
            "extensions: { a: { library: hello.so, spool_memory: 1M } }",
            "3:53 spool_memory needs spool_request: true"
        ),
    ]) func `A mistaken section is reported`(_ section: String, _ mistake: String) {
        #expect(mistakes(ConfigurationText(more: section).text) == [mistake])
    }

    @Test(arguments: [
        ("{}", "2:12 expected at least one of listeners"),
        ("{ a: { bind: [] } }", "2:25 expected a list of at least one of addresses"),
        (
            "{ a: { bind: [a.test:1] } }",
            "2:26 expected an IP address and a port such as \"0.0.0.0:8443\", \"[::]:8443\" or \":8443\", found 'a.test:1'"
        ),
        ("{ a: { bind: ['[::]:1', '[0::0]:1'] } }", "2:36 [::]:1 is bound twice, first on line 2"),
        ("{ a: { bind: [':81', '[::]:81'] } }", "2:33 [::]:81 is bound twice, first on line 2"),
        ("{ a: { bind: [localhost:81, '127.0.0.1:81'] } }", "2:40 127.0.0.1:81 is bound twice, first on line 2"),
        ("{ a: { bind: '*:81' } }", "2:25 every address is written without a star [:81]"),
        ("{ a: { bind: 8443 } }", "2:25 expected an address or ':' in front of the port [:8443]"),
        ("{ a: { bind: '::1:81' } }", "2:25 an IPv6 address stands in brackets, found '::1:81' [[::1]:81]"),
        (
            "{ a: { bind: ':99999' } }",
            "2:25 expected an IP address and a port such as \"0.0.0.0:8443\", \"[::]:8443\" or \":8443\", found ':99999'"
        ),
        (
            "{ a: { bind: { address: x } } }",
            "2:25 expected an IP address and a port such as \"0.0.0.0:8443\", \"[::]:8443\" or \":8443\", found a mapping"
        ),
        ("{ a: { bind: } }", "2:25 expected a list of addresses, found nothing"),
        ("{ a: { bind: ['[::]:1'], tls: { min: 1.1 } } }", "2:49 expected a TLS version (1.2, 1.3), found '1.1' [1.2]"),
        (
            "{ a: { bind: ['[::]:1'], tls: { alpn: [h3] } } }",
            "2:51 expected a protocol (h2, http/1.1, http/1.0), found 'h3'"
        ),
    ]) func `A mistaken listener is reported`(_ listeners: String, _ mistake: String) {
        #expect(mistakes(ConfigurationText(listeners: "listeners: " + listeners).text).contains(mistake))
    }

    @Test func `Port 0 may be bound twice`() {
        let listeners = "listeners: { a: { bind: ['[::]:0', '[::]:0'] } }"
        #expect(mistakes(ConfigurationText(listeners: listeners).text).isEmpty)
    }
}
