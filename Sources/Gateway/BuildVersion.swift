import TLS

/// The name and version of this program.
package enum BuildVersion {
    package static let text = "0.1.0"

    /// The libraries found at run time, for problem reports.
    package static var libraries: String { TLSLibrary.version }

    /// Which side handles the records of TLS 1.3, according to a trial of the library found.
    package static var records: String { RecordProtection.summary }
}
