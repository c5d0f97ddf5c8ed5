import Testing

@testable import Migration

@Suite("What becomes of the configuration of IIS")
struct IISImportTests {
    private func imported(_ text: String, map: [String] = [], other: [String: String] = [:]) throws -> IISImport {
        var paths = PathMap()
        for rule in map {
            let isAdded = paths.add(rule)
            #expect(isAdded)
        }
        var files = other
        files["/c/applicationHost.config"] = text
        return try IISImport(
            ["/c/applicationHost.config"] + other.keys.sorted(), map: paths, files: FakeFiles(contents: files))
    }

    private func text(_ xml: String, map: [String] = []) throws -> String {
        ConfigurationWriter.text(of: try imported(xml, map: map).configuration, header: [])
    }

    private func host(_ site: String, _ settings: String = "") -> String {
        """
        <configuration><system.applicationHost><applicationPools><add name="P" queueLength="50"/></applicationPools>
        <sites><site name="S"><application path="/" applicationPool="P">
        <virtualDirectory path="/" physicalPath="C:\\inetpub\\s"/></application>\(site)</site></sites>
        </system.applicationHost><location path="S"><system.webServer>\(settings)</system.webServer></location>
        </configuration>
        """
    }

    private let plain = "<bindings><binding protocol=\"http\" bindingInformation=\"*:80:s.test\"/></bindings>"

    @Test(
        "XML that is not well-formed is refused with its place",
        arguments: [
            ("<a><b></a>", "x:1:10: error: expected </b>, found </a>"),
            ("<a b=c/>", "x:1:6: error: expected a value in quotation marks"),
            ("<!DOCTYPE a><a/>", "x:1:1: error: a document type is not read"),
            ("<a>&x;</a", "x:1:10: error: expected '>'"),
            ("<a b=\"&x;\"/>", "x:1:7: error: unknown entity '&x;'"),
            ("<a/>x", "x:1:5: error: expected the end of the file behind the root element"),
            ("<a b=\"1\" b=\"2\"/>", "x:1:15: error: the attribute 'b' is there twice"),
            ("<a>", "x:1:4: error: the file ends inside of <a>"),
        ])
    func malformed(_ xml: String, _ message: String) {
        let error = #expect(throws: MigrationError.self) {
            var reader = try XMLReader(Array(xml.utf8), file: "x", firstID: 0)
            _ = try reader.read()
        }
        #expect(error?.description == message)
    }

    @Test("Entities, comments, CDATA and UTF-16 are read; depth has a limit")
    func wellFormed() throws {
        let xml = "<?xml version='1.0'?><!-- c --><a b='&lt;&#65;&amp;'><![CDATA[<x>]]><c/>t</a>"
        var wide: [UInt8] = [0xFF, 0xFE]
        for unit in xml.utf16 { wide += [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)] }
        for bytes in [Array(xml.utf8), wide] {
            var reader = try XMLReader(bytes, file: "x", firstID: 0)
            let root = try reader.read().root
            #expect(root["b"] == "<A&")
            #expect(root.children.map(\.name) == ["c"])
        }
        #expect(throws: MigrationError.self) {
            var reader = try XMLReader(Array(String(repeating: "<a>", count: 100_000).utf8), file: "x", firstID: 0)
            _ = try reader.read()
        }
    }

    @Test("Windows paths follow the rules, and without one go below /srv with a remark")
    func paths() throws {
        #expect(try text(host(plain), map: ["C:\\inetpub=/data/www"]).contains("root: /data/www/s "))
        let result = try imported(host(plain))
        #expect(result.report.remarks.contains { $0.contains("'C:\\inetpub\\s' becomes '/srv/c/inetpub/s'") })
        var map = PathMap()
        let areAdded = [map.add("C:\\x"), map.add("C:\\x=relative")]
        #expect(areAdded == [false, false])
    }

    @Test("A script map runs an extension in the pool of its application")
    func scriptMap() throws {
        let handler = """
            <handlers><add name="x" path="*.cgx" verb="GET,POST" modules="IsapiModule" scriptProcessor="C:\\bin\\cgx.dll"/></handlers>
            """
        let text = try text(host(plain, handler), map: ["C:\\bin=/usr/lib/app"])
        #expect(text.contains("library: /usr/lib/app/cgx.so"))
        #expect(text.contains("pool: P"))
        #expect(text.contains("queue: 50"))
        #expect(text.contains("path: \"/*.cgx\""))
        #expect(text.contains("methods: [GET, POST]"))
    }

    @Test("A site that only known users may use stays closed")
    func closed() throws {
        let rule = "<security><authentication><anonymousAuthentication enabled=\"false\"/></authentication></security>"
        let result = try imported(host(plain, rule))
        let text = ConfigurationWriter.text(of: result.configuration, header: [])
        #expect(text.contains("status: 501"))
        #expect(!text.contains("files:"))
        #expect(result.report.omitted.contains { $0.contains("anonymousAuthentication") })
    }

    @Test("Sources of programs and configuration files are never sent")
    func sources() throws {
        let text = try text(host(plain))
        #expect(text.contains("web\\\\.config"))
        #expect(text.contains("|aspx|"))
    }

    @Test("Every element has an outcome, and no password is repeated")
    func nothingIsDropped() throws {
        let xml = host(plain, "<isapiFilters><filter name=\"f\" path=\"f.dll\"/></isapiFilters><unknown a=\"1\"/>")
            .replacing("queueLength=\"50\"", with: "queueLength=\"50\" password=\"hidden\"")
        let result = try imported(xml)
        let all = (result.report.omitted + result.report.unneeded).joined(separator: "\n")
        #expect(all.contains("<isapiFilters>"))
        #expect(all.contains("<unknown a=\"1\">"))
        #expect(!all.contains("hidden"))
    }

    @Test("A web.config belongs to the site with its folder")
    func webConfig() throws {
        let result = try imported(
            host(plain), map: ["C:\\inetpub=/data"],
            other: [
                "/data/s/web.config":
                    "<configuration><system.webServer><directoryBrowse enabled=\"true\"/></system.webServer></configuration>"
            ])
        #expect(ConfigurationWriter.text(of: result.configuration, header: []).contains("listing: on"))
    }
}
