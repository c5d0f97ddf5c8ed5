import HTTP
import Memory
import Proxy

/// Builds the paths of one route from a template, for one worker.
final class TemplateRewriting: PathRewriting {
    private let parts: [Part]
    /// Nil when the template uses no group.
    private let expression: PathExpression?

    private enum Part {
        case literal([UInt8])
        case path
        case group(Int)
    }

    /// - Parameter expression: the route's.
    init(_ template: PathTemplate, matching expression: String?) {
        parts = template.parts.map { part in
            switch part {
            case .literal(let text): .literal(Array(text.utf8))
            case .path, .group(0): .path
            case .group(let number): .group(number)
            }
        }
        // The decoder has compiled it before.
        self.expression = template.highestGroup == nil ? nil : expression.flatMap { try? PathExpression($0) }
    }

    func append(_ path: ByteView, to output: inout OutputBuffer) -> Bool {
        // The groups are matched again: between routing and sending, other requests may have used the expression.
        if let expression { guard expression.matches(path) == .matches else { return false } }
        for part in parts {
            switch part {
            case .literal(let text): text.withBytes { output.append($0) }
            case .path: output.appendPath(path)
            case .group(let number):
                guard let bounds = expression?.bounds(ofGroup: number) else { continue }
                output.appendPath(path[bounds])
            }
        }
        return true
    }
}
