import CCompat
import CISAPI
import CLinux
import Glibc
import Memory
import Synchronization

/// One loaded extension library and its entry points; its owner keeps it as long as requests are active in it.
@safe
package final class ExtensionModule: @unchecked Sendable {
    package let name: String
    package let path: String
    /// The result of GetExtensionVersion: the major version in the high word, the minor in the low one.
    package let version: UInt32
    package let description: String

    private let copy: LibraryCopy
    /// The name, for the crash report.
    private let nameText: UnsafeMutablePointer<CChar>
    private let library: UnsafeMutableRawPointer
    /// Identifies the library in calls of its DllMain.
    private let identity: UInt64
    private let httpExtensionProc: UnsafeMutableRawPointer
    private let terminateExtension: UnsafeMutableRawPointer?
    /// Requests whose code may still run.
    private let activeRequests = Atomic(0)
    private let isRetiring = Atomic(false)
    private let idle = WaitPoint()

    /// Loads a private copy of the library at `path` and calls its GetExtensionVersion.
    ///
    /// DllMain, where exported, is called before anything else.
    ///
    /// - Parameter paths: the separators of paths that are passed to the library.
    package static func load(
        name: String, path: String, paths: PathStyle = .unix
    ) throws(ExtensionLoadError) -> ExtensionModule {
        CLinux_guard_stack()
        let copy: LibraryCopy
        do throws(SystemCallError) {
            copy = try LibraryCopy(of: path)
        } catch {
            throw ExtensionLoadError(name: name, path: path, reason: .cannotOpen(error.description))
        }
        guard let library = unsafe dlopen(copy.path, RTLD_NOW | RTLD_LOCAL) else {
            let message = loaderMessage().replacing(copy.path, with: path)
            throw ExtensionLoadError(name: name, path: path, reason: .cannotOpen(message))
        }
        // GetModuleFileName returns the path of the extension's file, not that of the copy.
        let identity = unsafe isagate_module_open(library, path, paths == .windows)
        guard identity != 0 else {
            unsafe dlclose(library)
            throw ExtensionLoadError(name: name, path: path, reason: .cannotOpen("too many libraries are loaded"))
        }
        do throws(ExtensionLoadError.Reason) {
            return unsafe try ExtensionModule(
                name: name, path: path, copy: copy, library: library, identity: identity)
        } catch {
            isagate_module_close(identity)
            throw ExtensionLoadError(name: name, path: path, reason: error)
        }
    }

    private init(
        name: String, path: String, copy: LibraryCopy, library: UnsafeMutableRawPointer, identity: UInt64
    ) throws(ExtensionLoadError.Reason) {
        guard let getExtensionVersion = unsafe dlsym(library, "GetExtensionVersion") else {
            throw .missingEntryPoint("GetExtensionVersion")
        }
        guard let httpExtensionProc = unsafe dlsym(library, "HttpExtensionProc") else {
            throw .missingEntryPoint("HttpExtensionProc")
        }
        SetLastError(0)
        guard isagate_module_attach(identity) else { throw .attachRefused(lastError: GetLastError()) }
        var information = HSE_VERSION_INFO()
        SetLastError(0)
        let isAccepted = EntryPointCalls.noting("GetExtensionVersion", of: path) {
            unsafe CISAPI_call_GetExtensionVersion(getExtensionVersion, &information) != 0
        }
        guard isAccepted else { throw .versionRefused(lastError: GetLastError()) }
        self.name = name
        self.path = path
        self.version = information.dwExtensionVersion
        self.description = unsafe withUnsafeMutablePointer(to: &information) { information in
            let text = unsafe UnsafeRawPointer(CISAPI_description(information)!)
            let count = unsafe strnlen(CISAPI_description(information), Int(HSE_MAX_EXT_DLL_NAME_LEN))
            return unsafe String(decoding: ByteView(start: text, count: count), as: UTF8.self)
        }
        self.copy = copy
        unsafe self.nameText = strdup(name)
        unsafe self.library = library
        self.identity = identity
        unsafe self.httpExtensionProc = httpExtensionProc
        unsafe self.terminateExtension = dlsym(library, "TerminateExtension")
        unsafe StrayCalls.shared.loaded(name, at: httpExtensionProc)
        unsafe CLinux_name_library(httpExtensionProc, name, path)
    }

    deinit {
        unsafe free(nameText)
    }

    /// Calls HttpExtensionProc on the calling thread; an HSE_STATUS_ number.
    @inline(__always)
    func call(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) -> UInt32 {
        enter()
        unsafe CLinux_run_begins(nameText, ControlBlockTable.trace(of: block))
        defer { CLinux_run_ends() }
        return unsafe CISAPI_call_HttpExtensionProc(httpExtensionProc, block)
    }

    /// Runs the completion function of an operation of the request that has `block`.
    func complete(
        _ completion: CompletionTarget, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, bytes: UInt32,
        error: UInt32
    ) {
        enter()
        unsafe CLinux_run_begins(nameText, ControlBlockTable.trace(of: block))
        defer { CLinux_run_ends() }
        unsafe completion.function(block, completion.context, bytes, error)
    }

    /// The calling thread is about to run code of the library, which is notified of a new thread (DLL_THREAD_ATTACH).
    @inline(__always)
    func enter() {
        isagate_thread_enter(identity)
    }

    /// The calling thread does not run code of the library any more; the library is notified if it knows the thread
    /// (DLL_THREAD_DETACH).
    package func leave() {
        isagate_thread_leaves(identity)
    }

    /// Threads of which the library has received DLL_THREAD_ATTACH and not yet DLL_THREAD_DETACH.
    package var threadCount: Int { Int(isagate_module_threads(identity)) }

    /// The symbol that the library exports as `name`.
    func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        unsafe dlsym(library, name)
    }

    func requestBegan() { activeRequests.add(1, ordering: .relaxed) }

    func requestEnded() {
        let active = activeRequests.subtract(1, ordering: .sequentiallyConsistent).newValue
        guard active == 0, isRetiring.load(ordering: .sequentiallyConsistent) else { return }
        idle.advance()
        idle.wake(Int.max)
    }

    /// Whether no request's code can run.
    package var isIdle: Bool { activeRequests.load(ordering: .sequentiallyConsistent) == 0 }

    /// Waits until no request's code can run any more; false when that takes longer than `limit`.
    package func waitUntilIdle(within limit: Duration) -> Bool {
        isRetiring.store(true, ordering: .sequentiallyConsistent)
        let deadline = ContinuousClock.now + limit
        while true {
            let seen = idle.count
            if activeRequests.load(ordering: .sequentiallyConsistent) == 0 { return true }
            guard idle.wait(past: seen, until: deadline) else { return false }
        }
    }

    /// The argument of TerminateExtension (HSE_TERM_ADVISORY_UNLOAD, HSE_TERM_MUST_UNLOAD).
    package enum Termination: UInt32, Sendable {
        case advisory = 1, must = 2
    }

    /// Calls TerminateExtension, where exported; whether the extension agrees to be unloaded.
    @discardableResult
    package func terminate(_ termination: Termination) -> Bool {
        guard let terminateExtension = unsafe terminateExtension else { return true }
        return EntryPointCalls.noting("TerminateExtension", of: path) {
            unsafe CISAPI_call_TerminateExtension(terminateExtension, termination.rawValue) != 0
        }
    }

    /// Unloads the library; called once, when its pool has stopped.
    ///
    /// - Returns: false, leaving the library loaded, when a request that the gateway abandoned still runs in it, or
    ///   when the library has a reference to itself: it is then unloaded by its own FreeLibrary.
    @discardableResult
    package func unload() -> Bool {
        guard activeRequests.load(ordering: .acquiring) == 0 else { return false }
        unsafe StrayCalls.shared.unloaded(at: httpExtensionProc)
        unsafe CLinux_forget_library(httpExtensionProc)
        return isagate_module_close(identity)
    }

    private static func loaderMessage() -> String {
        guard let message = unsafe dlerror() else { return "unknown reason" }
        return unsafe String(cString: message)
    }
}

/// Why a library cannot be used as an extension.
package struct ExtensionLoadError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Error, Equatable {
        /// dlopen's message.
        case cannotOpen(String)
        case missingEntryPoint(String)
        /// DllMain returned FALSE.
        case attachRefused(lastError: UInt32)
        /// GetExtensionVersion returned FALSE.
        case versionRefused(lastError: UInt32)
    }

    package let name: String
    package let path: String
    package let reason: Reason

    package var description: String { "extension \(name): cannot load \(path): \(reasonText)" }

    package var reasonText: String {
        switch reason {
        case .cannotOpen(let message): message
        case .missingEntryPoint(let symbol): "the library does not export \(symbol)"
        case .attachRefused(let error): "DllMain refused to attach (last error \(error))"
        case .versionRefused(let error): "GetExtensionVersion returned FALSE (last error \(error))"
        }
    }
}
