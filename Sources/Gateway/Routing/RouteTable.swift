import Glibc
import HTTP
import ISAPI
import Memory

/// The routes of one site, matched in the order of the file.
@safe
final class RouteTable {
    /// A route's path next to its action, kept flat so that a lookup follows no references.
    @safe
    private struct Entry {
        var path: ByteView
        var isPrefix: Bool
        /// The required end of a segment after the prefix; empty for none.
        var suffix: ByteView
        var action: Unretained<Action>
        /// Further conditions on a request; nil for none.
        var conditions: Unretained<ConditionMatcher>?
        /// What paths may contain.
        var rules: PathRules
    }

    private var entries: [Entry] = []
    /// Keeps alive what the entries point to.
    private var actions: [Action] = []
    private var copies: [MutableByteView] = []
    private var matchers: [ConditionMatcher] = []
    private let undecided = UndecidedAction()
    private let refusesBackslash = RefusingAction(.backslashInPath)
    private let refusesParameter = RefusingAction(.pathParameter)

    init(_ routes: [(configuration: RouteConfiguration, action: Action)]) {
        for route in routes {
            let (text, isPrefix, suffix) =
                switch route.configuration.path {
                case .exact(let text): (text, false, "")
                case .prefix(let text): (text, true, "")
                case .script(let prefix, let suffix): (prefix, true, suffix)
                }
            let path = copy(text)
            actions.append(route.action)
            let matcher = ConditionMatcher(route.configuration.conditions)
            if let matcher { matchers.append(matcher) }
            unsafe entries.append(
                Entry(
                    path: path, isPrefix: isPrefix, suffix: copy(suffix), action: Unretained(unchecked: route.action),
                    conditions: matcher.map { unsafe Unretained(unchecked: $0) }, rules: route.configuration.pathRules))
        }
    }

    deinit {
        for bytes in copies { unsafe bytes.uncheckedDeallocate() }
    }

    private func copy(_ text: String) -> ByteView {
        let bytes = MutableByteView.allocate(count: text.utf8.count)
        bytes.copy(Array(text.utf8))
        copies.append(bytes)
        return bytes.view
    }

    private static func hasScript(_ path: ByteView, _ entry: Entry) -> Bool {
        ScriptPath.end(in: path.span, from: entry.path.count, suffix: entry.suffix.span) != nil
    }

    /// The action of the first route that covers `path`, the normalized path of the request, whose conditions are met,
    /// and that is not handled by one of `passed`; it lives as long as this table.
    @inline(__always)
    func action(
        for exchange: Exchange, at path: ByteView, passing passed: [any RequestHandler]
    ) -> Unretained<Action>? {
        for index in entries.indices {
            let entry = entries[index]
            let fits = entry.isPrefix ? path.count >= entry.path.count : path.count == entry.path.count
            guard fits else { continue }
            guard path.starts(with: entry.path) else { continue }
            if !entry.suffix.isEmpty, !Self.hasScript(path, entry) { continue }
            if let conditions = entry.conditions {
                switch conditions.with({ $0.judge(exchange, path) }) {
                case .holds: break
                case .fails: continue
                // A later route must not answer for it.
                case .undecided: return unsafe Unretained(unchecked: undecided)
                }
            }
            if !passed.isEmpty, entry.action.with({ $0.isHandled(byAnyOf: passed) }) {
                continue
            }
            return refusal(of: path, by: entry.rules, exchange) ?? entry.action
        }
        return refusal(of: path, by: PathRules(), exchange)
    }

    /// The action that refuses a path which contains what the rules do not allow; nil for any other path.
    @inline(__always)
    private func refusal(
        of path: ByteView, by rules: PathRules, _ exchange: Exchange
    ) -> Unretained<Action>? {
        // A path with a backslash is never marked as sent in normal form.
        if !rules.allowsBackslash, !exchange.isPathAsSent, Self.has(UInt8(ascii: "\\"), path) {
            return unsafe Unretained(unchecked: refusesBackslash)
        }
        if !rules.allowsParameters, Self.has(UInt8(ascii: ";"), path) {
            return unsafe Unretained(unchecked: refusesParameter)
        }
        return nil
    }

    private static func has(_ byte: UInt8, _ path: ByteView) -> Bool {
        path.contains(byte)
    }
}

/// Refuses a request for its path.
final class RefusingAction: Action {
    private let rejection: RequestRejection

    init(_ rejection: RequestRejection) {
        self.rejection = rejection
    }

    override func answer(_ exchange: Exchange) -> Disposition { .refused(rejection) }
}

/// Answers a request whose path takes more steps to match than an expression may take.
private final class UndecidedAction: Action {
    override func answer(_ exchange: Exchange) -> Disposition {
        exchange.fail(status: 500, reason: "the path takes too long to match with a route's expression")
        return .answered
    }
}
