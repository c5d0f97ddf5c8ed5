import Glibc
import HTTP
import ISAPI

/// The routes of one site, matched in the order of the file.
@safe
final class RouteTable {
    /// A route's path next to its action, kept flat so that a lookup follows no references.
    @safe
    private struct Entry {
        var path: UnsafeRawBufferPointer
        var isPrefix: Bool
        /// The required end of a segment after the prefix; empty for none.
        var suffix: UnsafeRawBufferPointer
        var action: Unmanaged<Action>
        /// Further conditions on a request; nil for none.
        var conditions: Unmanaged<ConditionMatcher>?
        /// What paths may contain.
        var rules: PathRules
    }

    private var entries: [Entry] = []
    /// Keeps alive what the entries point to.
    private var actions: [Action] = []
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
            let path = unsafe Self.copy(text)
            actions.append(route.action)
            let matcher = ConditionMatcher(route.configuration.conditions)
            if let matcher { matchers.append(matcher) }
            unsafe entries.append(
                Entry(
                    path: path, isPrefix: isPrefix, suffix: Self.copy(suffix), action: .passUnretained(route.action),
                    conditions: matcher.map { unsafe .passUnretained($0) }, rules: route.configuration.pathRules))
        }
    }

    deinit {
        for entry in entries {
            unsafe entry.path.deallocate()
            unsafe entry.suffix.deallocate()
        }
    }

    private static func copy(_ text: String) -> UnsafeRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        unsafe bytes.copyBytes(from: Array(text.utf8))
        return UnsafeRawBufferPointer(bytes)
    }

    private static func hasScript(_ path: UnsafeRawBufferPointer, _ entry: Entry) -> Bool {
        unsafe path.withMemoryRebound(to: UInt8.self) { path in
            unsafe entry.suffix.withMemoryRebound(to: UInt8.self) { suffix in
                unsafe ScriptPath.end(in: path.span, from: entry.path.count, suffix: suffix.span) != nil
            }
        }
    }

    /// The action of the first route that covers `path`, the normalized path of the request, whose conditions are met,
    /// and that is not handled by one of `passed`; it lives as long as this table.
    @inline(__always)
    func action(
        for exchange: Exchange, at path: UnsafeRawBufferPointer, passing passed: [any RequestHandler]
    ) -> Unmanaged<Action>? {
        for index in entries.indices {
            let entry = entries[index]
            let fits = unsafe entry.isPrefix ? path.count >= entry.path.count : path.count == entry.path.count
            guard fits else { continue }
            guard unsafe memcmp(path.baseAddress!, entry.path.baseAddress!, entry.path.count) == 0 else { continue }
            if unsafe !entry.suffix.isEmpty, unsafe !Self.hasScript(path, entry) { continue }
            if let conditions = unsafe entry.conditions {
                switch unsafe conditions._withUnsafeGuaranteedRef({ unsafe $0.judge(exchange, path) }) {
                case .holds: break
                case .fails: continue
                // A later route must not answer for it.
                case .undecided: return unsafe .passUnretained(undecided)
                }
            }
            if !passed.isEmpty, unsafe entry.action._withUnsafeGuaranteedRef({ $0.isHandled(byAnyOf: passed) }) {
                continue
            }
            return unsafe refusal(of: path, by: entry.rules, exchange) ?? entry.action
        }
        return unsafe refusal(of: path, by: PathRules(), exchange)
    }

    /// The action that refuses a path which contains what the rules do not allow; nil for any other path.
    @inline(__always)
    private func refusal(
        of path: UnsafeRawBufferPointer, by rules: PathRules, _ exchange: Exchange
    ) -> Unmanaged<Action>? {
        // A path with a backslash is never marked as sent in normal form.
        if !rules.allowsBackslash, !exchange.isPathAsSent, unsafe Self.has(UInt8(ascii: "\\"), path) {
            return unsafe .passUnretained(refusesBackslash)
        }
        if !rules.allowsParameters, unsafe Self.has(UInt8(ascii: ";"), path) {
            return unsafe .passUnretained(refusesParameter)
        }
        return nil
    }

    private static func has(_ byte: UInt8, _ path: UnsafeRawBufferPointer) -> Bool {
        unsafe path.baseAddress.map { unsafe memchr($0, Int32(byte), path.count) != nil } ?? false
    }
}

/// Refuses a request for its path.
private final class RefusingAction: Action {
    private let rejection: RequestRejection

    init(_ rejection: RequestRejection) {
        self.rejection = rejection
    }

    override func answer(_ exchange: Exchange) -> Disposition { .refused(rejection) }
}

/// Answers a request whose path takes more steps to match than an expression may take.
private final class UndecidedAction: Action {
    override func answer(_ exchange: Exchange) -> Disposition {
        unsafe exchange.fail(status: 500, reason: "the path takes too long to match with a route's expression")
        return .answered
    }
}
