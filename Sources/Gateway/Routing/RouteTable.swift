import Glibc
import HTTP

/// The routes of one site, tried in the order of the file.
@safe
final class RouteTable {
    /// A route's condition next to its action, kept flat so that a lookup follows no references.
    @safe
    private struct Entry {
        var path: UnsafeRawBufferPointer
        var isPrefix: Bool
        var action: Unmanaged<Action>
    }

    private var entries: [Entry] = []
    /// Keeps alive what the entries point to.
    private var actions: [Action] = []

    init(_ routes: [(pattern: PathPattern, action: Action)]) {
        for route in routes {
            let (text, isPrefix) =
                switch route.pattern {
                case .exact(let text): (text, false)
                case .prefix(let text): (text, true)
                }
            let path = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            unsafe path.copyBytes(from: Array(text.utf8))
            actions.append(route.action)
            unsafe entries.append(
                Entry(path: UnsafeRawBufferPointer(path), isPrefix: isPrefix, action: .passUnretained(route.action)))
        }
    }

    deinit {
        for entry in entries { unsafe entry.path.deallocate() }
    }

    /// The action of the first route that covers `path`; alive as long as this table.
    @inline(__always)
    func action(for path: UnsafeRawBufferPointer) -> Unmanaged<Action>? {
        for index in entries.indices {
            let entry = entries[index]
            let fits = unsafe entry.isPrefix ? path.count >= entry.path.count : path.count == entry.path.count
            guard fits else { continue }
            if unsafe memcmp(path.baseAddress!, entry.path.baseAddress!, entry.path.count) == 0 {
                return unsafe entry.action
            }
        }
        return nil
    }
}
