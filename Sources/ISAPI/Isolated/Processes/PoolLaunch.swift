import CPoolProtocol
import Memory
import Transport

/// A library of a pool.
package struct PoolLibrary: Sendable {
    /// The extension's name.
    let name: String
    /// The library's path, which the extension sees.
    let path: String
    let paths: PathStyle
    /// Every process loads the same copy.
    let copy: LibraryCopy

    /// Copies the library at `path`.
    package init(extension name: String, path: String, paths: PathStyle) throws(ExtensionLoadError) {
        self.name = name
        self.path = path
        self.paths = paths
        do throws(SystemCallError) {
            copy = try LibraryCopy(of: path)
        } catch {
            throw ExtensionLoadError(name: name, path: path, reason: .cannotOpen(error.description))
        }
    }
}

/// What every process of a pool is given at its start.
struct PoolLaunch: Sendable {
    let name: String
    let libraries: [PoolLibrary]
    let settings: PoolSettings

    private var folder: String {
        settings.folder
            ?? "/" + (libraries.first?.path.split(separator: "/").dropLast().joined(separator: "/") ?? "")
    }

    /// Sends POOL_HELLO and the descriptors.
    func send(_ memory: OpenFile, _ channels: [OpenFile], shared: Int, on control: HostChannel) throws(HostFailure) {
        let sandbox = settings.sandbox
        var flags = sandbox.mode == .off ? POOL_NO_SANDBOX : 0
        if sandbox.mode == .required { flags |= POOL_REQUIRES_SANDBOX }
        if sandbox.files != nil { flags |= POOL_CONFINES_FILES }
        if !sandbox.hasNetwork { flags |= POOL_NO_NETWORK }
        if settings.limits.allowsCores { flags |= POOL_CORES }
        func limit(_ value: Int?) -> UInt64 { value.map { UInt64($0) } ?? UInt64.max }
        let hello = pool_hello(
            version: UInt32(POOL_VERSION), flags: UInt32(flags), run_channels: UInt32(channels.count - shared),
            shared_channels: UInt32(shared), variables: UInt32(settings.environment.count),
            readable: UInt32(sandbox.files?.readable.count ?? 0), writable: UInt32(sandbox.files?.writable.count ?? 0),
            libraries: UInt32(libraries.count), memory: limit(settings.limits.memory),
            descriptors: limit(settings.limits.descriptors), processes: limit(settings.limits.processes),
            file_size: limit(settings.limits.fileSize))
        control.begin(HostMessageType.hello)
        control.appendItem(structure: hello)
        control.appendItem(text: name)
        control.appendItem(text: folder)
        for text in settings.environment { control.appendItem(text: text) }
        for path in (sandbox.files?.readable ?? []) + (sandbox.files?.writable ?? []) { control.appendItem(text: path) }
        for library in libraries {
            control.appendItem(structure: pool_library(has_backslashes: library.paths == .windows ? 1 : 0))
            control.appendItem(text: library.name)
            control.appendItem(text: library.path)
        }
        try control.send()
        var files = [memory] + libraries.map(\.copy.file) + channels
        while !files.isEmpty {
            let count = min(files.count, Int(POOL_FILES))
            control.begin(HostMessageType.descriptors)
            try control.send(files: Array(files.prefix(count)))
            files.removeFirst(count)
        }
    }
}
