import Testing

@testable import StaticFiles

@Suite("Listings")
struct FolderListingTests {
    private func entry(_ name: String, size: UInt64 = 0, modified: Int64 = 0, isFolder: Bool = false) -> FolderEntry {
        FolderEntry(
            name: Array(name.utf8), isFolder: isFolder, version: FileVersion(size: size, modifiedSeconds: modified))
    }

    private func listing(
        _ entries: [FolderEntry], query: String = "", path: String = "/a<b/", depth: Int = 0
    ) -> FolderListing {
        FolderListing(
            path: path, content: FolderContent(entries: entries, isCut: false), order: ListingOrder(query: query),
            depth: depth)
    }

    @Test(
        "The query sorts by name, size or date, folders first",
        arguments: [
            ("", ["d", "a", "b", "c"]), ("sort=size", ["d", "c", "a", "b"]),
            ("sort=size&order=desc", ["d", "b", "a", "c"]), ("sort=date", ["d", "b", "c", "a"]),
            ("order=desc", ["d", "c", "b", "a"]), ("sort=nothing&order=up", ["d", "a", "b", "c"]),
        ])
    func sorts(query: String, expected: [String]) {
        let entries = [
            entry("a", size: 5, modified: 9), entry("b", size: 7, modified: 1), entry("c", size: 3, modified: 5),
            entry("d", isFolder: true),
        ]
        #expect(ListingOrder(query: query).sorted(entries).map(\.name) == expected)
    }

    @Test("A heading turns the order around when it is the current one")
    func turnsAround() {
        let order = ListingOrder(query: "sort=size")
        #expect(order.query(for: .size) == "?sort=size&order=desc")
        #expect(order.query(for: .date) == "?sort=date")
        #expect(ListingOrder(query: "sort=size&order=desc").query(for: .size) == "?sort=size")
    }

    @Test("Names cannot become markup, in text or in links")
    func escapes() {
        let page = String(decoding: listing([entry("<img src=x onerror='a'>\"&?#%.txt")]).html, as: UTF8.self)
        #expect(page.contains("<h1>/<wbr>a&lt;b/</h1>"))
        #expect(page.contains(">&lt;img src=x onerror=&#39;a&#39;&gt;&quot;&amp;?#%.txt</a>"))
        #expect(page.contains("href=\"./%3Cimg%20src=x%20onerror=&#39;a&#39;%3E%22&amp;%3F%23%25.txt\""))
        #expect(!page.contains("<img"))
    }

    @Test(
        "The path leads to the folders above, as far as they are listed",
        arguments: [
            (0, "/<wbr>a/<wbr>b/<wbr>c/"),
            (1, #"/<wbr>a/<wbr><a href="../">b/</a><wbr>c/"#),
            (3, #"<a href="../../../">/</a><wbr><a href="../../">a/</a><wbr><a href="../">b/</a><wbr>c/"#),
        ])
    func leadsUp(depth: Int, way: String) {
        let page = String(decoding: listing([], path: "/a/b/c/", depth: depth).html, as: UTF8.self)
        #expect(page.contains("<h1>\(way)</h1>"))
        #expect(page.contains("<a href=\"../\">..</a>") == (depth > 0))
    }

    @Test("Data is JSON, whatever a name holds")
    func writesData() {
        let data = listing([entry("a\"\\\u{1}ü", size: 7, modified: 1_000_000_000), entry("f", isFolder: true)]).json
        #expect(
            String(decoding: data, as: UTF8.self) == """
                [{"name":"f","type":"folder","modified":"1970-01-01T00:00:00Z"},
                {"name":"a\\"\\\\\\u0001ü","type":"file","size":7,"modified":"2001-09-09T01:46:40Z"}]

                """)
    }

    @Test(
        "Sizes are readable",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (10 << 10, "10 KiB"),
            (1023 << 10, "1023 KiB"), ((1 << 20) - 1, "1.0 MiB"), (5 << 30, "5.0 GiB"),
            (UInt64.max, "16 EiB"),
        ] as [(UInt64, String)])
    func showsSizes(bytes: UInt64, text: String) {
        #expect(FolderListing.readableSize(bytes) == text)
    }

    @Test(
        "Data is sent to whom prefers it",
        arguments: [
            ("application/json", true), ("text/html,application/json;q=0.9", false),
            ("text/html;q=0.5, application/json", true), ("*/*", false), ("", false),
            ("application/json;q=0", false), ("Application/JSON", true),
        ])
    func negotiates(accept: String, wantsData: Bool) {
        #expect(AcceptedTypes(accept).prefers("application/json", over: "text/html") == wantsData)
    }
}
