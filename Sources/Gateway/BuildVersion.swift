import TLS

/// What this program calls itself.
package enum BuildVersion {
    package static let text = "0.1.0"

    /// The libraries found at run time, for reports of trouble.
    package static var libraries: String { TLSLibrary.version }

    /// Who makes the records of TLS 1.3, by a trial of the library found.
    package static var records: String { RecordProtection.summary }
}
