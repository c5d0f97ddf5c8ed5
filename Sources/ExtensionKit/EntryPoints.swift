import CISAPI

// The functions that the server requires of a library.

/// Returns the version of the contract and the extension's description; FALSE, with ERROR_PROC_NOT_FOUND, in a library
/// that exports no ``Extension``.
@c @implementation
public func GetExtensionVersion(_ version: UnsafeMutablePointer<HSE_VERSION_INFO>!) -> BOOL {
    guard let loaded = LoadedLibrary.itsExtension else {
        ServerProcess.setLastError(DWORD(ERROR_PROC_NOT_FOUND))
        return 0
    }
    unsafe version.pointee.dwExtensionVersion = DWORD(HSE_VERSION)
    let description = Array(loaded.description.utf8.prefix(Int(HSE_MAX_EXT_DLL_NAME_LEN) - 1)) + [0]
    unsafe withUnsafeMutableBytes(of: &version.pointee.lpszExtensionDesc) { unsafe $0.copyBytes(from: description) }
    return 1
}

/// Answers a request, or begins to: returns HSE_STATUS_PENDING when the handler has suspended.
@c @implementation
public func HttpExtensionProc(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>!) -> DWORD {
    guard let loaded = LoadedLibrary.itsExtension else { return DWORD(HSE_STATUS_ERROR) }
    return unsafe loaded.serve(ControlBlock(block))
}

/// Refuses to be unloaded when it is asked: the Swift runtime keeps references to a library's types.
@c @implementation
public func TerminateExtension(_ flags: DWORD) -> BOOL {
    guard flags & DWORD(HSE_TERM_MUST_UNLOAD) != 0 else { return 0 }
    LoadedLibrary.itsExtension?.atEnd()
    return 1
}

extension Extension {
    /// Runs the handler; an HSE_STATUS_ number.
    func serve(_ block: ControlBlock) -> DWORD {
        switch service {
        case .blocking(let handler):
            let session = Session(block)
            do {
                try handler(Request(session), ResponseSender(session))
                return session.finish(naming: self)
            } catch {
                return session.fail(error, naming: self)
            }
        case .suspending(let handler):
            PendingRequest(block, self).start(handler)
            return DWORD(HSE_STATUS_PENDING)
        }
    }
}
