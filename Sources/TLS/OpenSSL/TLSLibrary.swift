import COpenSSL

package enum TLSLibrary {
    /// The OpenSSL library in use, such as `OpenSSL 3.0.19 27 Jan 2026`.
    package static var version: String {
        unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
    }

    /// Makes the allocation of record buffers cheap; without effect once OpenSSL is in use.
    package static func prepare() {
        COpenSSL_keep_record_buffers()
    }

    /// Frees what OpenSSL keeps for the calling thread, which ends.
    package static func forgetThread() {
        OPENSSL_thread_stop()
    }
}
