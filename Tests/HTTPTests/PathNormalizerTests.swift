import Memory
import Testing

@testable import HTTP

private func normalized(_ path: String) throws(RequestRejection) -> String {
    let input = bytes(path)
    let output = OwnedBytes(count: input.count)
    let count = try unsafe PathNormalizer.normalize(input.span.bytes, into: output.room)
    return String(decoding: output.view[..<count], as: UTF8.self)
}

@Suite("Path normalizer")
struct PathNormalizerTests {
    static let paths: [(String, String)] = [
        ("/", "/"), ("/a", "/a"), ("/a/", "/a/"), ("/a/b.c", "/a/b.c"), ("//", "/"), ("/a//b", "/a/b"),
        ("///a///b//", "/a/b/"), ("/%2Fa", "/a"), ("/a%2f%2fb", "/a/b"), ("/a/%2F/b", "/a/b"), ("/a//./b", "/a/b"),
        ("/a\\b", "/a\\b"), ("/a%5C..", "/a\\.."),
        ("/.", "/"), ("/./", "/"), ("/a/.", "/a/"), ("/a/./b", "/a/b"), ("/./a", "/a"), ("/a/./", "/a/"),
        ("/a/..", "/"), ("/a/../", "/"), ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/b/../../c", "/c"),
        ("/a/b/c/./../../g", "/a/g"), ("/a//../b", "/a/b"), ("//..", "/"), ("//a/../../b", "/b"),
        ("/...", "/..."), ("/.a", "/.a"), ("/a.", "/a."), ("/..a/a..", "/..a/a.."),
        ("/.well-known/x", "/.well-known/x"),
        ("/%41%7a", "/Az"), ("/a%20b", "/a b"), ("/%E4%BD%A0", "/\u{4F60}"), ("/a+b", "/a+b"),
        ("/%2e%2E/", ""), ("/a/%2e%2e/b", "/b"), ("/a/.%2e", "/"), ("/a/%2e/b", "/a/b"),
        ("/a%2Fb", "/a/b"), ("/a/..%2fb", "/b"), ("/a%2f%2e%2e%2fb", "/b"),
        ("/%2541", "/%41"), ("/a/%252e%252e/b", "/a/%2e%2e/b"), ("/a%25", "/a%"), ("/%3F%23", "/?#"),
    ]

    @Test("A path is decoded once and rid of its dot segments", arguments: paths)
    func normalizes(path: String, expected: String) throws {
        if expected.isEmpty {
            #expect(throws: RequestRejection.pathEscapesRoot) { try normalized(path) }
        } else {
            #expect(try normalized(path) == expected)
        }
    }

    @Test("A path called normal is its own normal form", arguments: paths)
    func knowsNormalPaths(path: String, expected: String) {
        let isNormal = unsafe PathNormalizer.isNormal(bytes(path).span.bytes)
        if isNormal { #expect(path == expected) }
    }

    @Test(
        "A plain path is called normal, whatever its length",
        arguments: ["/", "/a", "/index.html", "/a/b/c.tar.gz", "/a/", "/averyveryverylongname/with.dots/in..it."])
    func callsPlainPathsNormal(path: String) {
        let isNormal = unsafe PathNormalizer.isNormal(bytes(path).span.bytes)
        #expect(isNormal)
    }

    @Test(
        "A path with a percent sign, a backslash, a dot segment, an empty one or without a root is not",
        arguments: [
            "", "*", "a/b", ".", "/%41", "/a/../b", "/a/.", "//", "//a", "/a//", "/a//b", "/averyverylongname//b",
            "/fifteenletters//b", "/a\\b",
        ])
    func callsOthersNotNormal(path: String) {
        let isNormal = unsafe PathNormalizer.isNormal(bytes(path).span.bytes)
        #expect(!isNormal)
    }

    static let refusals: [(String, RequestRejection)] = [
        ("/%", .invalidPercentEncoding), ("/%4", .invalidPercentEncoding), ("/%zz", .invalidPercentEncoding),
        ("/%4g", .invalidPercentEncoding), ("/a%", .invalidPercentEncoding), ("/%%41", .invalidPercentEncoding),
        ("/%u0041", .invalidPercentEncoding),
        ("/%00", .forbiddenPathByte), ("/a%0d%0a", .forbiddenPathByte), ("/%1F", .forbiddenPathByte),
        ("/%7f", .forbiddenPathByte),
        ("/..", .pathEscapesRoot), ("/../", .pathEscapesRoot), ("/a/../..", .pathEscapesRoot),
        ("/./..", .pathEscapesRoot), ("/%2e.", .pathEscapesRoot), ("/..%2f", .pathEscapesRoot),
        ("/a/../../a", .pathEscapesRoot), ("//../..", .pathEscapesRoot),
        ("", .invalidTarget), ("a", .invalidTarget), ("*", .invalidTarget),
    ]

    @Test("A path that cannot be mapped safely is refused by name", arguments: refusals)
    func refuses(path: String, expected: RequestRejection) {
        #expect(throws: expected) { try normalized(path) }
    }
}
