import CExtensionKit
import CISAPI
import Glibc

/// The library that ExtensionKit is part of.
enum LoadedLibrary {
    /// The extension that the library exports; nil, with a line that says so, when it exports none.
    ///
    /// The library stays in the process from then on: the Swift runtime remembers the types of every library it has
    /// seen, and tasks may still be on their way out of their last request.
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

/// What the process around the library has for every extension.
enum ServerProcess {
    /// Why the last call of this thread failed.
    static var lastError: DWORD { CExtensionKit_last_error() }

    static func setLastError(_ number: DWORD) { CExtensionKit_set_last_error(number) }

    /// Writes a line to the server's standard error; what would break the line is left out.
    static func log(_ line: String) {
        let printable = line.unicodeScalars.filter { $0.properties.generalCategory != .control }
        // What standard error does not take is lost, as the server's own lines would be.
        let text = String(String.UnicodeScalarView(printable)) + "\n"
        unsafe Array(text.utf8).withUnsafeBytes { bytes in
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
