import COpenSSL
import Memory

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
        guard let place = response.place(of: certificate, issuer) else {
            throw .otherCertificate(response.serials)
        }
        let status = response.status(at: place)
        if let failure = response.verification(by: issuer, at: now) { throw .unverified(failure) }
        isVerified = issuer != nil
        switch status.number {
        case V_OCSP_CERTSTATUS_GOOD: break
        case V_OCSP_CERTSTATUS_REVOKED: throw .revoked(status.revoked)
        default: throw .unknownCertificate
        }
        validity = status.validity
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
        let response = unsafe bytes.withBytes { unsafe $0.parse { unsafe d2i_OCSP_RESPONSE(nil, $0, $1) } }
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

    private var places: Range<Int32> { unsafe 0..<max(0, OCSP_resp_count(basic)) }

    /// The serial numbers of the certificates in the response.
    var serials: [String] { places.map { serial(at: $0) } }

    private func serial(at place: Int32) -> String { unsafe hexadecimal(COpenSSL_OCSP_serial(basic, place)) }

    /// The place of the part about `certificate`; without its issuer, of the one with its serial number.
    func place(of certificate: X509Certificate, _ issuer: X509Certificate?) -> Int32? {
        for place in places {
            // The responder chooses the hash that identifies the issuer.
            guard let digest = unsafe COpenSSL_OCSP_digest(basic, place) else { continue }
            guard let issuer else {
                if serial(at: place) == certificate.serial, isIssuer(of: certificate, at: place, digest) {
                    return place
                }
                continue
            }
            let wanted = unsafe OCSP_cert_to_id(digest, certificate.object, issuer.object)
            defer { unsafe OCSP_CERTID_free(wanted) }
            if unsafe OCSP_id_cmp(wanted, COpenSSL_OCSP_identifier(basic, place)) == 0 { return place }
        }
        return nil
    }

    private func isIssuer(of certificate: X509Certificate, at place: Int32, _ digest: EVP_MD) -> Bool {
        let hash = unsafe [UInt8].digest {
            unsafe X509_NAME_digest(X509_get_issuer_name(certificate.object), digest, $0, $1)
        }
        return unsafe !hash.isEmpty && ByteView(unchecked: COpenSSL_OCSP_name(basic, place)).elementsEqual(hash)
    }

    /// OpenSSL's number for the status of a certificate, since when it is revoked, and how long that is valid.
    func status(at place: Int32) -> (number: Int32, revoked: Timestamp, validity: OCSPStaple.Validity) {
        var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var this: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        let number = unsafe OCSP_single_get0_status(OCSP_resp_get0(basic, place), nil, &revoked, &this, &next)
        let validity = unsafe OCSPStaple.Validity(
            thisUpdate: timestamp(this), nextUpdate: next.map { unsafe timestamp($0) })
        return unsafe (number, timestamp(revoked), validity)
    }

    /// The issuer of `certificate`, if its certificate is among those in the response: the one whose key signed it.
    func issuer(of certificate: X509Certificate) -> X509Certificate? {
        for candidate in certificates where certificate.isSigned(by: candidate) { return candidate }
        return nil
    }

    private var certificates: [X509Certificate] {
        guard let stack = unsafe OCSP_resp_get0_certs(basic) else { return [] }
        return unsafe (0..<COpenSSL_certificates_count(stack)).compactMap { index in
            unsafe COpenSSL_certificates_value(stack, index).map { X509Certificate($0) }
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
        guard let store = X509_STORE_new() else { return TLSError("verify").reason }
        X509_STORE_add_cert(store, issuer.object)
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        COpenSSL_STORE_set_time(store, time_t(now.seconds))
        let known = CertificateStack([issuer])
        ERR_clear_error()
        return unsafe OCSP_basic_verify(basic, known.pointer, store, 0) == 1 ? nil : TLSError("verify").reason
    }
}

/// Adds the response for the certificate that this handshake uses, if there is one that is valid now.
let stapleCallback: @convention(c) (SSL?, UnsafeMutableRawPointer?) -> Int32 = { session, _ in
    guard let session, let staple = Negotiation.of(session)?.staple(for: SSL_get_certificate(session)),
        staple.fault(at: .now) == nil, staple.bytes.withBytes({ session.setStaple($0) })
    else { return SSL_TLSEXT_ERR_NOACK }
    return SSL_TLSEXT_ERR_OK
}
