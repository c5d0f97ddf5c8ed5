import CCompat
import CISAPI
import CLinux
import Glibc
import Memory
import Synchronization

/// A library that is loaded into this process, and its entry points.
@safe
package final class InProcessModule: ExtensionModule, @unchecked Sendable {
    private let copy: LibraryCopy
    /// The name, for the crash report.
    private let nameText: UnsafeMutablePointer<CChar>
    private let library: UnsafeMutableRawPointer
    /// Identifies the library in calls of its DllMain.
    private let identity: UInt64
    private let httpExtensionProc: UnsafeMutableRawPointer
    private let terminateExtension: UnsafeMutableRawPointer?

    /// Loads a private copy of the library at `path` and calls its GetExtensionVersion.
    ///
    /// DllMain, where exported, is called before anything else.
    ///
    /// - Parameter paths: the separators of paths that are passed to the library.
    package static func load(
        name: String, path: String, paths: PathStyle = .unix
    ) throws(ExtensionLoadError) -> InProcessModule {
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
            return unsafe try InProcessModule(
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
        let description = unsafe withUnsafeMutablePointer(to: &information) { information in
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
        super.init(name: name, path: path, version: information.dwExtensionVersion, description: description)
        unsafe StrayCalls.shared.loaded(name, at: httpExtensionProc)
        unsafe CLinux_name_library(httpExtensionProc, name, path)
    }

    deinit {
        unsafe free(nameText)
    }

    override func call(
        _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, for session: ExtensionSession
    ) -> Ending {
        enter()
        unsafe CLinux_run_begins(nameText, ControlBlockTable.trace(of: block))
        defer { CLinux_run_ends() }
        return .returned(unsafe CISAPI_call_HttpExtensionProc(httpExtensionProc, block))
    }

    override func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        read: IsolatedRead?, for session: ExtensionSession
    ) {
        enter()
        unsafe CLinux_run_begins(nameText, ControlBlockTable.trace(of: block))
        defer { CLinux_run_ends() }
        unsafe completion.target.function(block, completion.target.context, completion.bytes, completion.error)
    }

    /// The calling thread is about to run code of the library, which is notified of a new thread (DLL_THREAD_ATTACH).
    @inline(__always)
    func enter() {
        isagate_thread_enter(identity)
    }

    package override func leave() {
        isagate_thread_leaves(identity)
    }

    package override var threadCount: Int { Int(isagate_module_threads(identity)) }

    /// The symbol that the library exports as `name`.
    func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        unsafe dlsym(library, name)
    }

    @discardableResult
    package override func terminate(_ termination: Termination) -> Bool {
        guard let terminateExtension = unsafe terminateExtension else { return true }
        return EntryPointCalls.noting("TerminateExtension", of: path) {
            unsafe CISAPI_call_TerminateExtension(terminateExtension, termination.rawValue) != 0
        }
    }

    @discardableResult
    package override func unload() -> Bool {
        guard isIdle else { return false }
        unsafe StrayCalls.shared.unloaded(at: httpExtensionProc)
        unsafe CLinux_forget_library(httpExtensionProc)
        return isagate_module_close(identity)
    }

    private static func loaderMessage() -> String {
        guard let message = unsafe dlerror() else { return "unknown reason" }
        return unsafe String(cString: message)
    }
}
