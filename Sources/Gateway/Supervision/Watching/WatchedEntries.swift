/// The entries of folders whose change can make a path refer to other bytes, computed without access to the file
/// system.
///
/// A file is replaced by writing it, by renaming another one over it, or by changing one of the symbolic links on its
/// path, as Kubernetes does with `..data` and certbot with its `live` folders. So every step of the path counts.
struct WatchedEntries: Equatable {
    /// Names by the absolute path of their folder, which has no symbolic links in it; also of folders that do not exist.
    private(set) var names: [String: Set<String>] = [:]
    private var links: [String: String?] = [:]
    private let readLink: (String) -> String?

    /// How many links Linux follows before it fails (path_resolution(7)).
    private static let mostLinks = 40

    /// - Parameter readLink: the target of the symbolic link at an absolute path; nil for anything else.
    init(_ paths: [String], readLink: @escaping (String) -> String?) {
        self.readLink = readLink
        for path in paths { add(path) }
    }

    private mutating func add(_ path: String) {
        var folder = ""
        // The next step is the last element.
        var steps = Self.steps(path)
        var linksLeft = Self.mostLinks
        while let step = steps.popLast() {
            switch step {
            case ".": continue
            case "..": folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
            default:
                names[folder.isEmpty ? "/" : folder, default: []].insert(String(step))
                let entry = "\(folder)/\(step)"
                guard let target = target(of: entry) else {
                    folder = entry
                    continue
                }
                linksLeft -= 1
                if linksLeft == 0 { return }
                if target.hasPrefix("/") { folder = "" }
                steps += Self.steps(target)
            }
        }
    }

    private mutating func target(of entry: String) -> String? {
        if let known = links[entry] { return known }
        let target = readLink(entry)
        links[entry] = .some(target)
        return target
    }

    private static func steps(_ path: String) -> [Substring] {
        path.split(separator: "/").reversed()
    }

    static func == (left: WatchedEntries, right: WatchedEntries) -> Bool { left.names == right.names }
}
