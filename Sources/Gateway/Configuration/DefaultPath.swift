import Glibc

extension Configuration {
    /// `isagate.yaml` in the working folder, or the system's file when there is none.
    package static var defaultPath: String {
        unsafe access("isagate.yaml", F_OK) == 0 ? "isagate.yaml" : "/etc/isagate/isagate.yaml"
    }
}
