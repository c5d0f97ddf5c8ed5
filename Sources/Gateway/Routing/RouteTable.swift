import Glibc
import HTTP

/// The routes of one site, tried in the order of the file.
@safe
final class RouteTable {
    /// A route's path next to its action, kept flat so that a lookup follows no references.
    @safe
    private struct Entry {
        var path: UnsafeRawBufferPointer
        var isPrefix: Bool
        var action: Unmanaged<Action>
        /// What else is asked of a request; nil when nothing is.
        var conditions: Unmanaged<ConditionMatcher>?
    }

    private var entries: [Entry] = []
    /// Keeps alive what the entries point to.
    private var actions: [Action] = []
    private var matchers: [ConditionMatcher] = []

    init(_ routes: [(configuration: RouteConfiguration, action: Action)]) {
        for route in routes {
            let (text, isPrefix) =
                switch route.configuration.path {
                case .exact(let text): (text, false)
                case .prefix(let text): (text, true)
                }
            let path = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            unsafe path.copyBytes(from: Array(text.utf8))
            actions.append(route.action)
            let matcher = ConditionMatcher(route.configuration.conditions)
            if let matcher { matchers.append(matcher) }
            unsafe entries.append(
                Entry(
                    path: UnsafeRawBufferPointer(path), isPrefix: isPrefix, action: .passUnretained(route.action),
                    conditions: matcher.map { unsafe .passUnretained($0) }))
        }
    }

    deinit {
        for entry in entries { unsafe entry.path.deallocate() }
    }

    /// The action of the first route that covers `path`, the normalized one of the request, whose conditions hold, and
    /// that is not handled by one of `passed`; alive as long as this table.
    @inline(__always)
    func action(
        for exchange: Exchange, at path: UnsafeRawBufferPointer, passing passed: [any RequestHandler]
    ) -> Unmanaged<Action>? {
        for index in entries.indices {
            let entry = entries[index]
            let fits = unsafe entry.isPrefix ? path.count >= entry.path.count : path.count == entry.path.count
            guard fits else { continue }
            guard unsafe memcmp(path.baseAddress!, entry.path.baseAddress!, entry.path.count) == 0 else { continue }
            if let conditions = unsafe entry.conditions {
                guard unsafe conditions._withUnsafeGuaranteedRef({ $0.holds(for: exchange) }) else { continue }
            }
            if !passed.isEmpty, unsafe entry.action._withUnsafeGuaranteedRef({ $0.isHandled(byAnyOf: passed) }) {
                continue
            }
            return unsafe entry.action
        }
        return nil
    }
}
