import Testing

@testable import Gateway

@Suite("The layout of configurations")
struct ConfigurationFormatterTests {
    @Test(
        "has two spaces for each level, one behind colons and dashes, and no others",
        arguments: [
            ("a:   1\n", "a: 1\n"),
            ("a:\n    b:\n          c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"),
            ("a:\n- b: 1\n  c: 2\n- d\n", "a:\n  - b: 1\n    c: 2\n  - d\n"),
            ("a:\n    -   b: 1\n        c:\n        - 2\n", "a:\n  - b: 1\n    c:\n      - 2\n"),
            ("- - 1\n  - 2\n-   - 3\n", "- - 1\n  - 2\n- - 3\n"),
            ("a: 1   \n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
            ("\n\na: 1\r\nb: 2", "a: 1\nb: 2\n"),
            ("a:    1\nbcd:  2\ne:   3\n", "a:    1\nbcd:  2\ne: 3\n"), ("a:   1\n\nb: 2\n", "a: 1\n\nb: 2\n"),
            ("a:\n  - b:\n        c: 1\nd: 2\n", "a:\n  - b:\n      c: 1\nd: 2\n"),
        ])
    func indentation(_ text: String, _ expected: String) throws {
        #expect(try format(text) == expected)
    }

    @Test(
        "has spaces within braces and none within brackets",
        arguments: [
            ("a: {b: 1,c: [ 2,3 ]}\n", "a: { b: 1, c: [2, 3] }\n"),
            ("a: {  }\nb: [ ]\n", "a: {}\nb: []\n"),
            ("a: [ {b: 1} , { c: 2 } ]\n", "a: [{ b: 1 }, { c: 2 }]\n"),
            ("a: { b: two  words , c:   \"x,  y\" } # {z}\n", "a: { b: two  words, c: \"x,  y\" } # {z}\n"),
            ("a: {url: http://x:80/y, \"q\":1}\n", "a: { url: http://x:80/y, \"q\": 1 }\n"),
            ("a: [b, c: 1]\n", "a: [b, c: 1]\n"),
        ])
    func brackets(_ text: String, _ expected: String) throws {
        #expect(try format(text) == expected)
    }

    @Test(
        "has double quotes where both kinds mean the same",
        arguments: [
            ("a: 'x'\n", "a: \"x\"\n"), ("a: 'it''s'\n", "a: 'it''s'\n"), ("a: 'x\\n'\n", "a: 'x\\n'\n"),
            ("a: ['x', \"y\"]\n", "a: [\"x\", \"y\"]\n"), ("a: it's\n", "a: it's\n"),
            ("'a': 'b' # 'c'\n", "'a': \"b\" # 'c'\n"),
        ])
    func quotes(_ text: String, _ expected: String) throws {
        #expect(try format(text) == expected)
    }

    @Test(
        "keeps comments with what they are about",
        arguments: [
            ("a:\n    # about b\n    b: 1 # b\n# about c\nc: 2\n", "a:\n  # about b\n  b: 1 # b\n# about c\nc: 2\n"),
            ("a:\n    b: 1\n    # the end of a\nc: 2\n# the end\n", "a:\n  b: 1\n  # the end of a\nc: 2\n# the end\n"),
            ("a:\n# - x: 1\n- y: 2\n# z\n", "a:\n  # - x: 1\n  - y: 2\n# z\n"),
            ("a: # about a\n    b: 1\n", "a: # about a\n  b: 1\n"),
            ("# only\n", "# only\n"), ("", ""),
        ])
    func comments(_ text: String, _ expected: String) throws {
        #expect(try format(text) == expected)
    }

    @Test(
        "moves values of several lines as a whole",
        arguments: [
            (
                "a:\n    b: |\n        x\n          y\n\n        # z\n    c: 1\n",
                "a:\n  b: |\n      x\n        y\n\n      # z\n  c: 1\n"
            ),
            ("a:\n    b: {\n      c: 1,\n\n      d: 2 }\n", "a:\n  b: {\n    c: 1,\n\n    d: 2 }\n"),
            ("a:\n    b: \"x\n      y\"\n    c: two\n      lines\n", "a:\n  b: \"x\n    y\"\n  c: two\n    lines\n"),
            ("a:\n    b: >-\n     x\n     y\n", "a:\n  b: >-\n   x\n   y\n"),
            ("a:\n      two\n      lines\n", "a:\n  two\n  lines\n"),
        ])
    func longValues(_ text: String, _ expected: String) throws {
        #expect(try format(text) == expected)
    }

    @Test("is stable: a text that has it does not change")
    func stability() throws {
        let texts = [
            "a:\n    b:\n    - c: {d: 'e'}\n      f: |\n         g\n    # h\ni: [1,\n  2]\n", "# x\n\n\na: 1\n#y\n",
        ]
        for text in texts {
            let once = try format(text)
            #expect(try format(once) == once)
        }
    }

    @Test("refuses what is no YAML, with the place")
    func mistakes() {
        let failure = #expect(throws: ConfigurationFormatter.Failure.self) { try format("a: [1\nb: 2\n") }
        #expect(failure?.message.hasPrefix("x.yaml:") == true)
        #expect(throws: ConfigurationFormatter.Failure.self) { try format("a: 1\na: 2\n") }
    }

    private func format(_ text: String) throws(ConfigurationFormatter.Failure) -> String {
        try ConfigurationFormatter.format(text, file: "x.yaml")
    }
}
