import ISAPI

/// Whether a library is a loadable extension, and what is wrong with it if it is not.
package struct ProbeReport: Encodable, Sendable {
    package let file: String
    package private(set) var architecture: String?
    /// The entry points of extensions that it exports.
    package private(set) var exports: [String] = []
    package private(set) var missingSymbols: [String] = []
    package private(set) var version: String?
    package private(set) var description: String?
    /// As text; empty for a library that can be loaded.
    package private(set) var problems: [String] = []

    package var isLoadable: Bool { problems.isEmpty }

    private static let entryPoints = ["GetExtensionVersion", "HttpExtensionProc", "TerminateExtension", "DllMain"]

    /// Examines the file, and makes `executable` load it in a separate process if it looks like an extension.
    ///
    /// - Parameter limitSeconds: how long its code may take.
    package init(of file: String, executable: String = "/proc/self/exe", limitSeconds: Int) {
        self.file = file
        do throws(SharedObject.Failure) {
            let object = try SharedObject(file: file)
            architecture = object.architecture
            exports = Self.entryPoints.filter { object.exports.contains($0) }
            judge(object)
        } catch {
            problems = [error.explanation]
        }
        if problems.isEmpty { load(with: executable, limitSeconds) }
    }

    private mutating func judge(_ object: SharedObject) {
        if object.machine != SharedObject.ownMachine {
            problems.append("it is built for \(object.architecture), and this gateway for another architecture")
        }
        for required in Self.entryPoints.prefix(2) where !exports.contains(required) {
            let mangled = object.exports.first { $0.hasPrefix("_Z") && $0.contains(required) }
            let hint = mangled == nil ? "" : "; it exports \(mangled!), so its declaration lacks extern \"C\""
            problems.append("it does not export \(required)\(hint)")
        }
    }

    private mutating func load(with executable: String, _ limitSeconds: Int) {
        switch ProbeProcess.run(executable, file, within: .seconds(limitSeconds)) {
        case .answered(let probe):
            version = probe.version
            description = probe.description
            missingSymbols = probe.missingSymbols
            if let failure = probe.failure { problems.append("it cannot be loaded: \(failure)") }
        case .signalled(let number):
            problems.append("its code crashed while it was being loaded (signal \(number))")
        case .exited(let status):
            problems.append("its code ended the process while it was being loaded (exit status \(status))")
        case .timedOut:
            problems.append("its code did not return within \(limitSeconds) s of being loaded")
        case .notStarted:
            problems.append("the process to load it in could not be started")
        }
    }

    /// What `isagate probe` prints.
    package var text: String {
        var lines = ["\(file): \(isLoadable ? "an extension" : "not a loadable extension")"]
        if let architecture { lines.append("  architecture: \(architecture)") }
        if !exports.isEmpty { lines.append("  exports: \(exports.joined(separator: ", "))") }
        if let description, let version { lines.append("  version: ISAPI \(version), \(description)") }
        if !missingSymbols.isEmpty { lines.append("  missing symbols: \(missingSymbols.joined(separator: ", "))") }
        return (lines + problems.map { "  problem: \($0)" }).joined(separator: "\n")
    }
}

extension SharedObject.Failure {
    fileprivate var explanation: String {
        switch self {
        case .isWindowsBinary: "it is a Windows binary; compile its source for Linux (docs/porting-from-iis.md)"
        case .isNotELF: "it is not a shared library (no ELF file)"
        case .isNot64Bit: "it is not a 64-bit little-endian library"
        case .isNotShared: "it is an ELF file, but no shared library; link it with -shared"
        case .unreadable(let reason): "the file cannot be read: \(reason)"
        case .isDamaged: "it is damaged: the ELF file ends or points outside of itself"
        }
    }
}
