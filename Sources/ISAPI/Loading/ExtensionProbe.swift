import CISAPI
import Glibc

/// Loads a library as an extension, only to find out whether that works.
///
/// It runs the library's code, which may do anything: the caller is a process that does not serve.
package struct ExtensionProbe: Equatable, Sendable, Codable {
    /// The major and minor version of the contract it was written for, as in `6.0`.
    package var version: String?
    package var description: String?
    /// Symbols that neither the libraries it names nor the gateway have.
    package var missingSymbols: [String] = []
    /// Why it cannot be loaded, in words.
    package var failure: String?

    package init(of path: String, imports: [String]) {
        do throws(ExtensionLoadError) {
            let module = try InProcessModule.load(name: "probe", path: path)
            version = "\(module.version >> 16).\(module.version & 0xFFFF)"
            description = module.description
            module.terminate(.must)
            module.unload()
        } catch {
            failure = error.reason.text
            if case .cannotOpen = error.reason { missingSymbols = Self.missing(imports, in: path) }
        }
    }

    /// Those of the symbols that are nowhere to be found. None when the library cannot even be loaded without them.
    private static func missing(_ symbols: [String], in path: String) -> [String] {
        // A name without a slash would be looked for where the system keeps its libraries.
        let file = path.contains("/") ? path : "./" + path
        guard let library = unsafe dlopen(file, RTLD_LAZY | RTLD_LOCAL) else { return [] }
        defer { unsafe dlclose(library) }
        return symbols.filter { symbol in
            unsafe dlsym(library, symbol) == nil && dlsym(nil, symbol) == nil
        }
    }
}
