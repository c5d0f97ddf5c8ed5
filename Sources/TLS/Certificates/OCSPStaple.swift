import COpenSSL
import Glibc

/// A stored response of the authority that a certificate is not revoked, sent in handshakes (RFC 6066 §8).
///
/// A response that clients refuse is worse than none: they would refuse a valid certificate because of it.
package struct OCSPStaple: Sendable {
    /// DER.
    let bytes: [UInt8]
    /// Whether the signature is that of the issuer, or of a responder that the issuer has authorized.
    let isVerified: Bool
    private let validity: Validity

    /// When clients accept it.
    struct Validity: Equatable, Sendable {
        let thisUpdate: Timestamp
        /// Nil when the response does not contain it.
        let nextUpdate: Timestamp?

        /// The assumed deviation of clients' clocks in seconds, as in OpenSSL and browsers.
        static let tolerance: Int64 = 300

        func fault(at now: Timestamp) -> Fault? {
            if now.seconds + Self.tolerance < thisUpdate.seconds { return .early(thisUpdate) }
            if let nextUpdate, nextUpdate <= now { return .expired(nextUpdate) }
            return nil
        }
    }

    /// Why a response is not sent, or not now.
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case unreadable(String)
        case notSuccessful(String)
        /// The serial numbers in the response.
        case otherCertificate([String])
        case revoked(Timestamp)
        case unknownCertificate
        case early(Timestamp)
        case expired(Timestamp)
        case unverified(String)

        /// Whether it depends only on the time.
        var isTemporary: Bool {
            if case .early = self { true } else { false }
        }

        package var description: String {
            switch self {
            case .unreadable(let reason): "not an OCSP response in DER: \(reason)"
            case .notSuccessful(let status): "the responder answered \(status)"
            case .otherCertificate(let serials):
                "it is about another certificate (serial \(serials.prefix(3).joined(separator: ", ")))"
            case .revoked(let time): "it says that the certificate was revoked on \(time)"
            case .unknownCertificate: "it says that the responder does not know the certificate"
            case .early(let time): "it is not valid before \(time)"
            case .expired(let time): "it expired on \(time)"
            case .unverified(let reason): "its signature cannot be verified: \(reason)"
            }
        }
    }

    /// - Parameter issuer: the issuer of the certificate; nil when its certificate is not available. If the response
    ///   does not contain it either, only an included responder's signature can be checked, and not who authorized it.
    /// - Throws: why no client would ever accept the response for `certificate`.
    init(
        _ bytes: [UInt8], for certificate: X509Certificate, issuer: X509Certificate?, at now: Timestamp
    ) throws(Fault) {
        defer { ERR_clear_error() }
        let response = try OCSPResponse(bytes)
        let issuer = issuer ?? response.issuer(of: certificate)
        guard let single = unsafe response.single(for: certificate, issuer) else {
            throw .otherCertificate(response.serials)
        }
        var (reason, status): (Int32, Int32) = (0, 0)
        var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var this: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        status = unsafe OCSP_single_get0_status(single, &reason, &revoked, &this, &next)
        if let failure = response.verification(by: issuer, at: now) { throw .unverified(failure) }
        isVerified = issuer != nil
        switch status {
        case V_OCSP_CERTSTATUS_GOOD: break
        case V_OCSP_CERTSTATUS_REVOKED: throw unsafe .revoked(timestamp(revoked))
        default: throw .unknownCertificate
        }
        validity = unsafe Validity(thisUpdate: timestamp(this), nextUpdate: next.map { unsafe timestamp($0) })
        self.bytes = bytes
    }

    /// Why clients would not accept it at this time.
    func fault(at now: Timestamp) -> Fault? { validity.fault(at: now) }
}

/// A successful response of an OCSP responder (RFC 6960 §4.2).
@safe
private final class OCSPResponse {
    private let basic: OpaquePointer

    init(_ bytes: [UInt8]) throws(OCSPStaple.Fault) {
        let response = unsafe bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var position = buffer.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &position, buffer.count)
        }
        guard let response = unsafe response else { throw .unreadable(TLSError("read OCSP response").reason) }
        defer { unsafe OCSP_RESPONSE_free(response) }
        let status = unsafe OCSP_response_status(response)
        guard status == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            throw unsafe .notSuccessful(String(cString: OCSP_response_status_str(Int(status))))
        }
        guard let basic = unsafe OCSP_response_get1_basic(response) else {
            throw .unreadable(TLSError("read OCSP response").reason)
        }
        unsafe self.basic = basic
    }

    deinit {
        unsafe OCSP_BASICRESP_free(basic)
    }

    private var count: Int32 { unsafe OCSP_resp_count(basic) }

    /// The serial numbers of the certificates in the response.
    var serials: [String] {
        (0..<count).map { index in
            var serial: UnsafeMutablePointer<ASN1_INTEGER>?
            let identifier = unsafe OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, index))
            unsafe OCSP_id_get0_info(nil, nil, nil, &serial, identifier)
            return unsafe hexadecimal(serial)
        }
    }

    /// The part about `certificate`; without its issuer, the one with its serial number.
    func single(for certificate: X509Certificate, _ issuer: X509Certificate?) -> OpaquePointer? {
        for index in 0..<count {
            let single = unsafe OCSP_resp_get0(basic, index)
            let identifier = unsafe OCSP_SINGLERESP_get0_id(single)
            var algorithm: OpaquePointer?
            var serial: UnsafeMutablePointer<ASN1_INTEGER>?
            unsafe OCSP_id_get0_info(nil, &algorithm, nil, &serial, identifier)
            // The responder chooses the hash that identifies the issuer.
            guard let digest = unsafe EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(algorithm))) else { continue }
            guard let issuer else {
                let isOurs = unsafe hexadecimal(serial) == certificate.serial
                if isOurs, unsafe isIssuer(of: certificate, in: identifier, digest) { return unsafe single }
                continue
            }
            let wanted = unsafe OCSP_cert_to_id(digest, certificate.pointer, issuer.pointer)
            defer { unsafe OCSP_CERTID_free(wanted) }
            if unsafe OCSP_id_cmp(wanted, identifier) == 0 { return unsafe single }
        }
        return nil
    }

    private func isIssuer(
        of certificate: X509Certificate, in identifier: OpaquePointer?, _ digest: OpaquePointer
    ) -> Bool {
        var name: UnsafeMutablePointer<ASN1_OCTET_STRING>?
        unsafe OCSP_id_get0_info(&name, nil, nil, nil, identifier)
        var hash = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_NAME_digest(X509_get_issuer_name(certificate.pointer), digest, &hash, &count) == 1 else {
            return false
        }
        let named = unsafe UnsafeBufferPointer(start: ASN1_STRING_get0_data(name), count: Int(ASN1_STRING_length(name)))
        return unsafe named.elementsEqual(hash.prefix(Int(count)))
    }

    /// The issuer of `certificate`, if its certificate is among those in the response: the one whose key signed it.
    func issuer(of certificate: X509Certificate) -> X509Certificate? {
        for candidate in certificates where certificate.isSigned(by: candidate) { return candidate }
        return nil
    }

    private var certificates: [X509Certificate] {
        guard let stack = unsafe OCSP_resp_get0_certs(basic) else { return [] }
        return unsafe (0..<COpenSSL_certificates_count(stack)).compactMap { index in
            guard let included = unsafe COpenSSL_certificates_value(stack, index), unsafe X509_up_ref(included) == 1
            else { return nil }
            return unsafe X509Certificate(included)
        }
    }

    /// The problem with the signature: it must be the issuer's, or that of a responder that the issuer has authorized
    /// (RFC 6960 §4.2.2.2). Without the issuer, that of an included certificate.
    func verification(by issuer: X509Certificate?, at now: Timestamp) -> String? {
        guard let issuer else {
            if certificates.isEmpty { return nil }
            ERR_clear_error()
            return unsafe OCSP_basic_verify(basic, nil, nil, UInt(OCSP_NOVERIFY)) == 1 ? nil : TLSError("verify").reason
        }
        let store = unsafe X509_STORE_new()
        defer { unsafe X509_STORE_free(store) }
        unsafe X509_STORE_add_cert(store, issuer.pointer)
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        unsafe X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), time_t(now.seconds))
        let known = unsafe COpenSSL_certificates_new()
        defer { unsafe COpenSSL_certificates_free(known) }
        unsafe COpenSSL_certificates_push(known, issuer.pointer)
        ERR_clear_error()
        return unsafe OCSP_basic_verify(basic, known, store, 0) == 1 ? nil : TLSError("verify").reason
    }
}

/// Adds the response for the certificate that this handshake uses, if there is one that is valid now.
let stapleCallback: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { session, _ in
    guard let negotiation = unsafe Negotiation.of(session),
        let staple = unsafe negotiation.staple(for: SSL_get_certificate(session)), staple.fault(at: .now) == nil,
        let copy = unsafe COpenSSL_malloc(staple.bytes.count)
    else { return SSL_TLSEXT_ERR_NOACK }
    unsafe copy.copyMemory(from: staple.bytes, byteCount: staple.bytes.count)
    unsafe COpenSSL_set_ocsp_response(session, copy.assumingMemoryBound(to: UInt8.self), staple.bytes.count)
    return SSL_TLSEXT_ERR_OK
}
