import Testing

@testable import Migration

@Suite("Reading nginx's configuration files")
struct NginxReadingTests {
    private func parse(_ files: [String: String]) throws -> [NginxDirective] {
        var parser = NginxParser(files: FakeFiles(contents: files), ledger: Ledger(), folder: "/etc/nginx")
        return try parser.parse("/etc/nginx/nginx.conf")
    }

    private func parse(_ text: String) throws -> [NginxDirective] {
        try parse(["/etc/nginx/nginx.conf": text])
    }

    private func failure(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return (error as? MigrationError)?.description
        }
    }

    @Test("Directives have words, lines and blocks")
    func directives() throws {
        let directives = try parse("user www-data; # nobody\n\nhttp {\n  server { listen 80; }\n}\n")
        #expect(directives.map(\.name) == ["user", "http"])
        #expect(directives[0].arguments == ["www-data"])
        #expect(directives[1].place == Place(file: "nginx.conf", line: 3))
        #expect(directives[1].lastLine == 5)
        #expect(directives[1].block?.first?.block?.first?.arguments == ["80"])
    }

    @Test("Quotation marks keep spaces and braces together, and a backslash protects them")
    func quotes() throws {
        let directive = try parse(#"x "a b;{}" 'c "d"' "e \"f\" \\ \d" $g${h}i \.php$;"#)[0]
        #expect(directive.arguments == ["a b;{}", "c \"d\"", #"e "f" \ \d"#, "$g${h}i", #"\.php$"#])
    }

    @Test(
        "A mistake is reported with file, line and column",
        arguments: [
            ("http {\n  x y\n}", "nginx.conf:3:1: error: unexpected '}'; the directive 'x' needs a ';'"),
            ("http {", "nginx.conf:1:7: error: the file ends inside of a block; expected '}'"),
            ("}", "nginx.conf:1:1: error: unexpected '}'"),
            (";", "nginx.conf:1:1: error: unexpected ';'"),
            ("a \"b;", "nginx.conf:1:3: error: the quotation mark has no partner"),
            ("a \"b\"c;", "nginx.conf:1:6: error: expected a space or ';' behind the quotation mark"),
            ("a", "nginx.conf:1:2: error: the file ends inside of the directive 'a'; expected ';'"),
        ])
    func mistakes(_ text: String, _ message: String) {
        #expect(failure(text) == message)
    }

    @Test("Blocks cannot be nested without a limit")
    func depth() {
        #expect(failure(String(repeating: "a {", count: 100_000))?.contains("nested more than 64 deep") == true)
    }

    @Test("Every beginning of a file is read or refused")
    func beginnings() {
        let text = Array(#"http { server { location ~ "a\"{2}" { return 200 'x' ; } } } # end"#)
        for count in 0...text.count { _ = failure(String(text[..<count])) }
    }

    @Test("Included files are in place of the directive, by pattern too")
    func includes() throws {
        let directives = try parse([
            "/etc/nginx/nginx.conf": "include conf.d/*.conf;\ninclude /etc/nginx/one;\n",
            "/etc/nginx/conf.d/b.conf": "b;", "/etc/nginx/conf.d/a.conf": "a;", "/etc/nginx/conf.d/.c.conf": "c;",
            "/etc/nginx/one": "\n\none;",
        ])
        #expect(directives.map(\.name) == ["a", "b", "one"])
        #expect(directives[2].place.description == "one:3")
    }

    @Test("A file that includes itself is refused")
    func loop() {
        let error = #expect(throws: MigrationError.self) {
            try parse(["/etc/nginx/nginx.conf": "include a;", "/etc/nginx/a": "\n include nginx.conf;"])
        }
        #expect(error?.description == "a:2:2: error: nginx.conf includes itself, by way of this line")
    }

    @Test(
        "Patterns match as glob(7) says",
        arguments: [
            ("*.conf", "a.conf", true), ("*.conf", "a.conf.bak", false), ("a?c", "abc", true), ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false), ("*a*b", "xaxxb", true), ("a*", "b", false),
        ])
    func patterns(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(FileGlob.matches(Array(name.utf8), Array(pattern.utf8)) == matches)
    }
}
