import Testing

@testable import StaticFiles

@Suite("Media types")
struct MediaTypesTests {
    @Test(
        "The end of a name tells the type",
        arguments: [
            ("a.html", "text/html; charset=utf-8"), ("A.HTML", "text/html; charset=utf-8"),
            ("app.min.js", "text/javascript; charset=utf-8"), ("data.json", "application/json"),
            ("x.svg", "image/svg+xml"), ("folder.d/x", "application/octet-stream"), ("", "application/octet-stream"),
            ("x.", "application/octet-stream"), (".html", "text/html; charset=utf-8"),
            ("x.unheard", "application/octet-stream"),
        ])
    func findsTypes(name: String, type: String) {
        #expect(MediaTypes().type(ofFileNamed: name) == type)
    }

    @Test("The system's list adds types and changes none of ours")
    func takesSystemList() {
        let types = MediaTypes(
            systemList: """
                # a comment html
                chemical/x-cif\t\tcif mcif
                text/plain\thtml asc
                application/x-none
                bro(ken/type\tbad
                """)
        #expect(types.type(ofFileNamed: "x.MCIF") == "chemical/x-cif")
        #expect(types.type(ofFileNamed: "x.asc") == "text/plain; charset=utf-8")
        #expect(types.type(ofFileNamed: "x.html") == "text/html; charset=utf-8")
        #expect(types.type(ofFileNamed: "x.bad") == "application/octet-stream")
    }
}
