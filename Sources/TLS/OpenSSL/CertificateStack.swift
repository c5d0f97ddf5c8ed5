import COpenSSL

/// Certificates in OpenSSL's form of a list, which refers to them; immutable.
@safe
final class CertificateStack: @unchecked Sendable {
    let pointer: OpaquePointer?
    private let certificates: [X509Certificate]

    init(_ certificates: some Sequence<X509Certificate>) {
        self.certificates = Array(certificates)
        unsafe pointer = COpenSSL_certificates_new()
        for certificate in self.certificates { unsafe COpenSSL_certificates_push(pointer, certificate.object) }
    }

    deinit {
        unsafe COpenSSL_certificates_free(pointer)
    }
}
