import Migration

/// Files in memory.
struct FakeFiles: SourceFiles {
    var contents: [String: String]

    func read(_ path: String) throws(MigrationError) -> [UInt8]? {
        contents[path].map { Array($0.utf8) }
    }

    func names(in folder: String) -> [String] {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        let names = contents.keys.filter { $0.hasPrefix(prefix) }.map { path in
            String(path.dropFirst(prefix.count).prefix { $0 != "/" })
        }
        return Array(Set(names)).sorted()
    }
}
