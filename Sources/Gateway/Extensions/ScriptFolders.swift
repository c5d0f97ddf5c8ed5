import Glibc

/// The extensions in the folders of `extensions_in`, searched again with each reading of the configuration.
enum ScriptFolders {
    /// Those of all routes, each once, by the absolute paths of their libraries.
    static func extensions(of configuration: Configuration) -> [ExtensionConfiguration] {
        var found: [String: ExtensionConfiguration] = [:]
        for route in configuration.sites.flatMap(\.routes) {
            guard case .extensionsIn(let folder) = route.action else { continue }
            for file in files(of: folder) {
                var script = ExtensionConfiguration(name: file.path, library: file.path)
                (script.load, script.idleUnload) = (folder.load, folder.idleUnload)
                // If routes differ, the one that keeps the extension loaded for longer takes precedence.
                if let other = found[file.path] { script.keepLoaded(like: other) }
                found[file.path] = script
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// The libraries in a folder whose names end with its suffix and that are allowed.
    static func files(of folder: ScriptFolderConfiguration) -> [(name: String, path: String)] {
        guard let stream = unsafe opendir(folder.path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isScript = name.utf8.count > folder.suffix.utf8.count && name.hasSuffix(folder.suffix)
            if isScript, !name.hasPrefix("."), folder.allowed?.contains(name) != false { names.append(name) }
        }
        return names.sorted().map { ($0, "\(folder.path)/\($0)") }
    }
}

extension ExtensionConfiguration {
    fileprivate mutating func keepLoaded(like other: Self) {
        if other.load == .startup { load = .startup }
        idleUnload = idleUnload.flatMap { own in other.idleUnload.map { max(own, $0) } }
    }
}
