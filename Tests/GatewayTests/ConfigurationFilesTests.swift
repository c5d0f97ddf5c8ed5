import Testing

@testable import Gateway

@Suite("Files in the configuration") struct ConfigurationFilesTests {
    @Test func `Every key of a route with files is read`() throws {
        var text = ConfigurationText(
            more: "file_cache: { files: 100, memory: 1M, small_file: 4K, fresh: 5s, mapped: 64M }")
        text.sites = """
            sites: [{ hosts: [a], routes: [{ path: "/s/*", files: {
              root: /srv/public, strip_prefix: /s, index: [a.html, b.html], listing: on, precompressed: [br, gz],
              cache_control: "max-age=60", fallback: /app.html, hidden: on, follow_symlinks: on } }] }]
            """
        let configuration = try decode(text.text)
        var files = FilesConfiguration(root: "/srv/public")
        files.stripPrefix = "/s"
        files.index = ["a.html", "b.html"]
        files.listing = true
        files.precompressed = [.brotli, .gzip]
        files.cacheControl = "max-age=60"
        files.fallback = "app.html"
        files.hidden = true
        files.followSymlinks = true
        #expect(configuration.sites[0].routes[0].action == .files(files))
        #expect(
            configuration.fileCache
                == FileCacheConfiguration(
                    files: 100, memory: 1 << 20, smallFile: 4 << 10, fresh: .seconds(5), mapped: 64 << 20))
    }

    @Test(arguments: [
        ("{ path: \"/*\", files: {} }", "5:28 missing key 'root'"),
        ("{ path: \"/*\", files: { root: /srv/nothing } }", "5:36 no such folder: '/srv/nothing'"),
        (
            "{ path: \"/*\", files: { root: /srv/public, index: [a/b] } }",
            "5:57 expected a file name without '/', found 'a/b'"
        ),
        (
            "{ path: \"/*\", files: { root: /srv/public, fallback: ../x } }",
            "5:59 expected a path below the root, found '../x'"
        ),
        (
            "{ path: \"/*\", files: { root: /srv/public, strip_prefix: /s } }",
            "5:15 strip_prefix '/s' is not how every path of this route begins"
        ),
        (
            "{ path: \"/s/*\", files: { root: /srv/public, strip_prefix: /s/ } }",
            "5:65 expected a path such as /static, found '/s/'"
        ),
    ]) func `A mistaken route with files is reported`(_ route: String, _ mistake: String) {
        #expect(mistakes(inRoute: route) == [mistake])
    }
}
