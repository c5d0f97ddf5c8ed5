import Testing

@testable import Gateway

@Suite("Hints where YAML is not understood") struct ConfigurationHintTests {
    @Test(arguments: [
        (
            "sites: [{ hosts: [*] }]",
            "a star begins the name of an alias; a text that begins with one needs quotes: \"*\""
        ),
        (
            "sites: [{ hosts: [*.example.test, b] }]",
            "a star begins the name of an alias; a text that begins with one needs quotes: \"*.example.test\""
        ),
        ("sites:\n- hosts: *", "a star begins the name of an alias; a text that begins with one needs quotes: \"*\""),
        ("hosts: [*all]", "a star begins the name of an alias; a text that begins with one needs quotes: \"*all\""),
        ("listeners: { a: { bind: [[::1]:8090] } }", "an address in brackets needs quotes: \"[::1]:8090\""),
        ("listeners: { a: { bind: [[::]:8090, x] } }", "an address in brackets needs quotes: \"[::]:8090\""),
        (
            "listeners:\n  a:\n    bind: [2001:db8::1]:8090",
            "an address in brackets needs quotes: \"[2001:db8::1]:8090\""
        ),
        ("listeners:\n\ta: 1", "a tab does not separate anything in YAML; write spaces"),
        ("listeners:\n  a:\n  \tbind: 1", "a tab does not separate anything in YAML; write spaces"),
        ("workers:\n\t1\n\tuser: x", "a tab does not separate anything in YAML; write spaces"),
        ("user: @x", "a text that begins with '@' needs quotes: \"@x\""),
        ("user: `x`", "a text that begins with '`' needs quotes: \"`x`\""),
        ("user: %x", "a text that begins with '%' needs quotes: \"%x\""),
        ("user: &", "'&' begins the name of an anchor; a text that begins with one needs quotes: \"&\""),
        ("realm: a: b", "there is a second ': ' where one value is expected; a text that has one needs quotes"),
    ]) func `What was probably meant is said in words`(_ text: String, _ hint: String) {
        let found = mistakes("version: 1\n\(text)\n")
        #expect(found.count == 1)
        #expect(found.first?.contains("not valid YAML: \(hint)") == true, "\(found)")
    }

    @Test(arguments: ["listeners: [a, b", "a: 'x", "a: {b: c", "- a\nb: c"])
    func `Elsewhere the words are the library's`(_ text: String) {
        let found = mistakes(text)
        #expect(found.first?.contains("not valid YAML: ") == true, "\(found)")
        #expect(!["quotes", "tab"].contains { found.first?.contains($0) == true }, "\(found)")
    }

    @Test func `Tabs where YAML allows them are no mistake`() throws {
        _ = try decode(
            "version: 1 \t# one\nlisteners: {\tplain: { bind: \"127.0.0.1:80\" } }\nsites: [{ hosts: a,\troutes: { path: /, respond: a } }]\n"
        )
    }
}

@Suite("The account to run as") struct AccountTests {
    @Test(arguments: [
        ("isagate", Account(name: "isagate", user: 990, group: 991)),
        ("990", Account(name: "isagate", user: 990, group: 991)),
        ("\"65534\"", Account(name: nil, user: 65534, group: 65534)),
        ("\"65534:100\"", Account(name: nil, user: 65534, group: 100)),
        ("\"990:0\"", Account(name: nil, user: 990, group: 0)),
        ("4294967294", Account(name: nil, user: 4_294_967_294, group: 4_294_967_294)),
    ]) func `It is a name of the machine, or numbers`(_ text: String, _ account: Account) throws {
        #expect(try decode(ConfigurationText(more: "user: \(text)").text).user == account)
    }

    @Test(arguments: [
        ("nobody-here", "this machine has no account 'nobody-here'"),
        ("root", "'root' is root, whose rights the key is there to give up"),
        ("0", "'root' is root, whose rights the key is there to give up"),
        ("\"0:0\"", "'0:0' is root, whose rights the key is there to give up"),
        ("4294967295", "expected the name of an account, or a number, found '4294967295'"),
        ("99999999999", "expected the name of an account, or a number, found '99999999999'"),
        ("\"1:\"", "expected the name of an account, or a number, found '1:'"),
        ("\":1\"", "expected the name of an account, or a number, found ':1'"),
        ("\"1:2:3\"", "expected the name of an account, or a number, found '1:2:3'"),
        ("\"1:4294967295\"", "expected the name of an account, or a number, found '1:4294967295'"),
        ("-1", "this machine has no account '-1'"),
    ]) func `What no process can become is refused`(_ text: String, _ mistake: String) {
        #expect(mistakes(ConfigurationText(more: "user: \(text)").text) == ["3:7 " + mistake])
    }
}

@Suite("How many processors there are") struct ProcessorCountTests {
    @Test func `There is at least one`() {
        #expect(ProcessorCount.available >= 1)
    }

    @Test(
        arguments: [
            ("max 100000\n", nil, nil, nil), ("50000 100000\n", nil, nil, 0.5), ("250000 100000\n", nil, nil, 2.5),
            ("", nil, nil, nil), ("100000\n", nil, nil, nil), ("x 100000\n", nil, nil, nil),
            ("0 100000\n", nil, nil, nil),
            ("100000 0\n", nil, nil, nil), (nil, "-1\n", "100000\n", nil), (nil, "150000\n", "100000\n", 1.5),
            (nil, "150000\n", nil, nil), (nil, nil, "100000\n", nil), (nil, nil, nil, nil),
        ] as [(String?, String?, String?, Double?)])
    func `A quota is a share of its period`(
        _ unified: String?, _ quota: String?, _ period: String?, _ expected: Double?
    ) {
        #expect(ControlGroup.quota(unified: unified, quota: quota, period: period) == expected)
    }

    @Test func `Version 2 has one folder from the group to the root, wherever it is mounted`() {
        #expect(
            ControlGroup.folders(in: "0::/a/b\n") == [
                "/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup", "/sys/fs/cgroup/unified/a/b",
                "/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/unified",
            ])
    }

    @Test func `Version 1 has a folder for its controller`() {
        #expect(
            ControlGroup.folders(in: "4:memory:/m\n3:cpu,cpuacct:/x\n2:cpuset:/y\n") == [
                "/sys/fs/cgroup/cpu/x", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct/x",
                "/sys/fs/cgroup/cpu,cpuacct",
            ])
    }

    @Test(arguments: ["", "\n", "x", "1:cpu", "::", "0::/../..\n"]) func `Other texts are no reason to stop`(
        _ text: String
    ) {
        #expect(ControlGroup.folders(in: text).allSatisfy { !$0.contains("..") })
    }
}
