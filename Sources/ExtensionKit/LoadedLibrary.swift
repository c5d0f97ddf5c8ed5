import CExtensionKit
import CISAPI
import Glibc

/// The library that contains ExtensionKit.
enum LoadedLibrary {
    /// The extension that the library exports; nil, with a line in the log, when it exports none.
    ///
    /// The library stays in the process from then on: the Swift runtime keeps references to the types of every loaded
    /// library, and tasks may still be returning from their last request.
    static let itsExtension: Extension? = {
        guard let library = unsafe CExtensionKit_pin_library(#dsohandle),
            let symbol = unsafe dlsym(library, "isagate_extension")
        else {
            ServerProcess.log("the library exports no function isagate_extension")
            return nil
        }
        let entry = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> ExtensionEntry).self)
        guard let address = unsafe UnsafeRawPointer(bitPattern: entry()) else { return nil }
        return unsafe Unmanaged<Extension>.fromOpaque(address).takeUnretainedValue()
    }()
}

/// Services of the process for every extension.
enum ServerProcess {
    /// Why the last call of this thread failed.
    static var lastError: DWORD { CExtensionKit_last_error() }

    static func setLastError(_ number: DWORD) { CExtensionKit_set_last_error(number) }

    /// Writes a line to the server's standard error; characters that would break the line are left out.
    static func log(_ line: String) {
        let printable = line.unicodeScalars.filter { $0.properties.generalCategory != .control }
        // Bytes that standard error does not accept are lost, as with the server's own lines.
        let text = String(String.UnicodeScalarView(printable)) + "\n"
        unsafe Array(text.utf8).withUnsafeBytes { bytes in
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
