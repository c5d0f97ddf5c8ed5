import CISAPI
import Glibc

/// The client's certificate and the channel binding of TLS.
extension SupportCall {
    /// lpvBuffer: a CERT_CONTEXT_EX, whose pbCertEncoded has a buffer of cbAllocated bytes.
    func getCertificate() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let context = unsafe buffer.assumingMemoryBound(to: CERT_CONTEXT_EX.self)
        return unsafe session.inquire(by: caller) { state in
            guard let certificate = state.request.origin?.security?.clientCertificate else { return .noData }
            let count = certificate.encoded.count
            let room = unsafe Int(context.pointee.cbAllocated)
            unsafe context.pointee.CertContext.dwCertEncodingType = DWORD(X509_ASN_ENCODING)
            unsafe context.pointee.CertContext.cbCertEncoded = DWORD(count)
            unsafe context.pointee.dwCertificateFlags = certificate.flags
            guard let target = unsafe context.pointee.CertContext.pbCertEncoded, room >= count else {
                return .insufficientBuffer
            }
            certificate.encoded.withBytes { bytes in
                if let start = unsafe bytes.baseAddress { unsafe memcpy(target, start, count) }
            }
            return nil
        }
    }

    /// lpvBuffer: receives SEC_CHANNEL_BINDINGS and after it `tls-server-end-point:` with the hash (RFC 5929 §4);
    /// *lpdwSize: its size, then the required size.
    func getChannelBinding() -> CallFailure? {
        guard let size = unsafe size else { return .invalidParameter }
        return unsafe session.inquire(by: caller) { state in
            guard let hash = state.request.origin?.security?.serverEndPoint, !hash.isEmpty else { return .noData }
            let type: StaticString = "tls-server-end-point:"
            // Two addresses that are not set, then the length and the offset of the token.
            let words: [UInt32] = [
                0, 0, 0, 0, 0, 0, UInt32(type.utf8CodeUnitCount + hash.count), Self.bindingsSize,
            ]
            state.scratch.removeAll()
            for word in words {
                for shift in [0, 8, 16, 24] { state.scratch.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
            }
            state.scratch.append(type)
            hash.withBytes { state.scratch.append($0) }
            return unsafe copyOut(state.scratch.bytes, to: buffer, size: size)
        }
    }

    /// Bytes of SEC_CHANNEL_BINDINGS: eight 32-bit words.
    private static let bindingsSize: UInt32 = 32
}
