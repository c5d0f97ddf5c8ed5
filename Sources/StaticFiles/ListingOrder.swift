/// The order of a listing, from the query of its URL.
struct ListingOrder: Equatable, Sendable {
    enum Key: String, Sendable, CaseIterable {
        case name, size, date
    }

    var key = Key.name
    var isDescending = false

    /// Parses `sort=size&order=desc`; anything else is ignored.
    init(query: String) {
        for part in query.split(separator: "&") {
            if part.hasPrefix("sort="), let key = Key(rawValue: String(part.dropFirst(5))) { self.key = key }
            if part == "order=desc" { isDescending = true }
        }
    }

    /// The query that sorts by `key`, in the opposite direction if that is the order already.
    func query(for key: Key) -> String {
        let turns = key == self.key && !isDescending
        return "?sort=\(key.rawValue)" + (turns ? "&order=desc" : "")
    }

    /// Folders come first in any order.
    func sorted(_ entries: [FolderEntry]) -> [FolderEntry] {
        entries.sorted { left, right in
            if left.isFolder != right.isFolder { return left.isFolder }
            let (first, second) = isDescending ? (right, left) : (left, right)
            switch key {
            case .size where first.size != second.size: return first.size < second.size
            case .date where first.modified != second.modified: return first.modified < second.modified
            default: return first.name < second.name
            }
        }
    }
}
