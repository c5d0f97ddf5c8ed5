import CCompat
import CISAPI
import Glibc
import Synchronization

/// One loaded extension library and its entry points; its owner keeps it as long as requests are active in it.
@safe
package final class ExtensionModule: @unchecked Sendable {
    package let name: String
    package let path: String
    /// What GetExtensionVersion told: the major version in the high word, the minor in the low one.
    package let version: UInt32
    package let description: String

    private let copy: LibraryCopy
    private let library: UnsafeMutableRawPointer
    private let httpExtensionProc: UnsafeMutableRawPointer
    private let terminateExtension: UnsafeMutableRawPointer?
    private let dllMain: UnsafeMutableRawPointer?
    /// Requests whose code may still run.
    private let activeRequests = Atomic(0)
    private let isRetiring = Atomic(false)
    private let idle = WaitPoint()

    /// Loads a private copy of the library at `path` and asks it for its version.
    ///
    /// DllMain, where exported, is called before anything else.
    package static func load(name: String, path: String) throws(ExtensionLoadError) -> ExtensionModule {
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
        // GetModuleFileName tells the extension where its file is, not where the copy is.
        _ = unsafe isagate_module_name(library, path)
        do throws(ExtensionLoadError.Reason) {
            return unsafe try ExtensionModule(name: name, path: path, copy: copy, library: library)
        } catch {
            _ = unsafe isagate_module_name(library, nil)
            unsafe dlclose(library)
            throw ExtensionLoadError(name: name, path: path, reason: error)
        }
    }

    private init(
        name: String, path: String, copy: LibraryCopy, library: UnsafeMutableRawPointer
    ) throws(ExtensionLoadError.Reason) {
        guard let getExtensionVersion = unsafe dlsym(library, "GetExtensionVersion") else {
            throw .missingEntryPoint("GetExtensionVersion")
        }
        guard let httpExtensionProc = unsafe dlsym(library, "HttpExtensionProc") else {
            throw .missingEntryPoint("HttpExtensionProc")
        }
        let dllMain = unsafe dlsym(library, "DllMain")
        SetLastError(0)
        if let dllMain = unsafe dllMain, unsafe CISAPI_call_DllMain(dllMain, library, DWORD(DLL_PROCESS_ATTACH)) == 0 {
            throw .attachRefused(lastError: GetLastError())
        }
        var information = HSE_VERSION_INFO()
        SetLastError(0)
        guard unsafe CISAPI_call_GetExtensionVersion(getExtensionVersion, &information) != 0 else {
            let lastError = GetLastError()
            if let dllMain = unsafe dllMain {
                _ = unsafe CISAPI_call_DllMain(dllMain, library, DWORD(DLL_PROCESS_DETACH))
            }
            throw .versionRefused(lastError: lastError)
        }
        self.name = name
        self.path = path
        self.version = information.dwExtensionVersion
        self.description = unsafe withUnsafeMutablePointer(to: &information) { information in
            let text = unsafe UnsafeRawPointer(CISAPI_description(information)!)
            let count = unsafe strnlen(CISAPI_description(information), Int(HSE_MAX_EXT_DLL_NAME_LEN))
            return unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: count), as: UTF8.self)
        }
        self.copy = copy
        unsafe self.library = library
        unsafe self.httpExtensionProc = httpExtensionProc
        unsafe self.terminateExtension = dlsym(library, "TerminateExtension")
        unsafe self.dllMain = dllMain
        unsafe StrayCalls.shared.loaded(name, at: httpExtensionProc)
    }

    /// Calls HttpExtensionProc on the calling thread; an HSE_STATUS_ number.
    @inline(__always)
    func call(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) -> UInt32 {
        unsafe CISAPI_call_HttpExtensionProc(httpExtensionProc, block)
    }

    /// What the library exports under `name`.
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

    /// A pool thread that ran this module's code ends (DLL_THREAD_DETACH).
    func threadDetach() {
        guard let dllMain = unsafe dllMain else { return }
        _ = unsafe CISAPI_call_DllMain(dllMain, library, DWORD(DLL_THREAD_DETACH))
    }

    /// What TerminateExtension is told (HSE_TERM_ADVISORY_UNLOAD, HSE_TERM_MUST_UNLOAD).
    package enum Termination: UInt32, Sendable {
        case advisory = 1, must = 2
    }

    /// Calls TerminateExtension, where exported; whether the extension agrees to be unloaded.
    @discardableResult
    package func terminate(_ termination: Termination) -> Bool {
        guard let terminateExtension = unsafe terminateExtension else { return true }
        return unsafe CISAPI_call_TerminateExtension(terminateExtension, termination.rawValue) != 0
    }

    /// Takes the library out of the process; called once, when its pool has stopped.
    ///
    /// - Returns: false, leaving the library where it is, when a request given up by the gateway still runs in it.
    @discardableResult
    package func unload() -> Bool {
        guard activeRequests.load(ordering: .acquiring) == 0 else { return false }
        if let dllMain = unsafe dllMain {
            _ = unsafe CISAPI_call_DllMain(dllMain, library, DWORD(DLL_PROCESS_DETACH))
        }
        unsafe StrayCalls.shared.unloaded(at: httpExtensionProc)
        _ = unsafe isagate_module_name(library, nil)
        unsafe dlclose(library)
        return true
    }

    private static func loaderMessage() -> String {
        guard let message = unsafe dlerror() else { return "unknown reason" }
        return unsafe String(cString: message)
    }
}

/// Why a library does not serve as an extension.
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
