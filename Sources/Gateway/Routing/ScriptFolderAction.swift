import HTTP
import ISAPI
import Memory

/// `extensions_in`: the library that the path names is the extension that answers.
///
/// A library that is not allowed is answered like one that does not exist: 404, with sub-status 2 in the log.
final class ScriptFolderAction: Action {
    private let start: Int
    private let suffix: [UInt8]
    /// By the names of their files.
    private let extensions: [(name: [UInt8], action: Action)]
    private let unlisted = FixedResponse(
        status: 404, fields: [("Content-Type", "text/plain; charset=utf-8")],
        body: Array("404 Not Found: no such extension\n".utf8))

    private static let unlistedSubstatus = 2

    init(start: Int, suffix: String, extensions: [(name: String, action: Action)]) {
        self.start = start
        self.suffix = Array(suffix.utf8)
        self.extensions = extensions.map { (Array($0.name.utf8), $0.action) }
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        let index = exchange.withPath { path in
            let name = name(in: path)
            return extensions.firstIndex { $0.name.elementsEqual(name) }
        }
        if let index { return extensions[index].action.answer(exchange) }
        exchange.setLogSubstatus(Self.unlistedSubstatus)
        exchange.fail(unlisted)
        return .answered
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        extensions.contains { $0.action.isHandled(byAnyOf: handlers) }
    }

    /// The file that the path names; if it is in a subfolder, with that folder.
    private func name(in path: ByteView) -> ByteView {
        let suffix = suffix
        let end = ScriptPath.end(in: path.span, from: start, suffix: suffix.span)
        return path[start..<(end ?? path.count)]
    }
}
