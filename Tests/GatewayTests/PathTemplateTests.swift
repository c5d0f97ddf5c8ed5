import HTTP
import Testing

@testable import Gateway

@Suite("Templates of paths") struct PathTemplateTests {
    @Test(arguments: [
        ("/new/{1}", "/old/(.*)", "/old/a/b", "/new/a/b"), ("/{2}/{1}", "/(.)-(.)", "/a-b", "/b/a"),
        ("{path}.php", nil, "/x", "/x.php"), ("/index.php", nil, "/x", "/index.php"), ("{0}", "/x", "/x", "/x"),
        ("/n{1}{2}", "/(a)?(b)", "/b", "/nb"), ("/new/{1}", "/old/(.*)", "/old/a b?%\u{7F}", "/new/a%20b%3F%25%7F"),
    ]) func `A path is made of what the expression captured`(
        _ template: String, _ expression: String?, _ path: String, _ made: String
    ) throws {
        #expect(try self.made(template, expression, path) == made)
    }

    @Test func `A path that the expression does not match makes none`() throws {
        #expect(try made("/{1}", "/(a)", "/b") == nil)
    }

    @Test(arguments: [
        ("x", PathTemplateError.noSlash), ("/{", .unpairedBrace), ("/}", .unpairedBrace),
        ("/{10}", .unknownPlaceholder("10")), ("/{+1}", .unknownPlaceholder("+1")), ("/x?y", .invalidCharacter),
        ("/a b", .invalidCharacter), ("{1}", .noSlash),
    ]) func `A mistaken template is refused`(_ text: String, _ error: PathTemplateError) {
        #expect(throws: error) { try PathTemplate(text) }
    }

    private func made(_ template: String, _ expression: String?, _ path: String) throws -> String? {
        let rewriting = TemplateRewriting(try PathTemplate(template), matching: expression)
        var output = OutputBuffer()
        let isMade = Array(path.utf8).withBytes { rewriting.append($0, to: &output) }
        return isMade ? String(decoding: output.unsent, as: UTF8.self) : nil
    }
}
