import Testing

@testable import Gateway

@Suite("Error pages in the configuration") struct ConfigurationErrorPageTests {
    private func text(_ pages: String) -> String {
        var text = ConfigurationText()
        text.sites = "sites: [{ hosts: [a], error_pages: \(pages), routes: [{ path: /, respond: {} }] }]"
        return text.text
    }

    @Test func `Pages are named by status`() throws {
        let configuration = try decode(text("{ 404: { file: hello.so }, \"503\": { file: site.pem } }"))
        #expect(
            configuration.sites[0].errorPages == [
                ErrorPageConfiguration(status: 404, source: .file("/etc/isagate/hello.so")),
                ErrorPageConfiguration(status: 503, source: .file("/etc/isagate/site.pem")),
            ])
    }

    @Test func `A page may be for one sub-status`() throws {
        let configuration = try decode(text("{ \"404.2\": { file: hello.so } }"))
        #expect(
            configuration.sites[0].errorPages == [
                ErrorPageConfiguration(status: 404, substatus: 2, source: .file("/etc/isagate/hello.so"))
            ])
    }

    @Test func `A route may find the words`() throws {
        let pages = try decode(text("{ 404: { route: '/?why=404' } }")).sites[0].errorPages
        #expect(pages == [ErrorPageConfiguration(status: 404, source: .route("/?why=404", line: 3))])
    }

    private static let range =
        "an error page is for a status from 400 to 599, perhaps with a sub-status such as 404.2, found"

    @Test(arguments: [
        ("{ 200: { file: hello.so } }", "3:38 \(ConfigurationErrorPageTests.range) '200'"),
        ("{ all: { file: hello.so } }", "3:38 \(ConfigurationErrorPageTests.range) 'all'"),
        ("{ \"404.0\": { file: hello.so } }", "3:38 \(ConfigurationErrorPageTests.range) '404.0'"),
        ("{ 404: { file: x.html } }", "3:51 no such file: '/etc/isagate/x.html'"),
        ("{ 404: {} }", "3:43 an error page has either a file or a route"),
        ("{ 404: { file: hello.so, route: / } }", "3:43 an error page has either a file or a route"),
        ("{ 404: { route: x } }", "3:52 expected a path such as /errors/404, found 'x'"),
        ("{ 404: { route: '/a b' } }", "3:52 expected a path such as /errors/404, found '/a b'"),
        (
            "{ 404: { route: /x?a } }",
            "3:36 no route of this site answers '/x', which an error page on line 3 asks for"
        ),
    ]) func `A mistaken page is reported`(_ pages: String, _ mistake: String) {
        #expect(mistakes(text(pages)) == [mistake])
    }
}
