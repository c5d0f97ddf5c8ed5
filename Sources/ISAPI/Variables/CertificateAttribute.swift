/// `SSL_CLIENT_CN` and similar variables, with the names of extensions for Unix: a part of the subject of the client's
/// certificate, or with `I_` of its issuer.
struct CertificateAttribute {
    private let types: [String]
    private let isIssuers: Bool

    /// Nil for other names.
    init?(_ name: Span<UInt8>) {
        guard name.count > 11, name.extracting(0..<11).isSame(as: "ssl_client_") else { return nil }
        let isIssuers = name.count > 13 && name.extracting(11..<13).isSame(as: "i_")
        let part = name.extracting((isIssuers ? 13 : 11)..<name.count)
        for (known, types) in Self.parts where part.isSame(as: known) {
            self.types = types
            self.isIssuers = isIssuers
            return
        }
        return nil
    }

    /// The attribute types of a distinguished name for each of them.
    private static let parts: [(StaticString, [String])] = [
        ("cn", ["CN"]), ("email", ["EMAILADDRESS", "1.2.840.113549.1.9.1"]), ("ou", ["OU"]), ("o", ["O"]), ("l", ["L"]),
        ("st", ["ST"]), ("c", ["C"]),
    ]

    /// Without a certificate there is no data; a certificate without the part has an empty value.
    func render(_ request: borrowing RequestRecord, into value: inout ByteBuffer) -> CallFailure? {
        guard let certificate = request.origin?.security?.clientCertificate else { return .noData }
        let name = DistinguishedName(isIssuers ? certificate.issuer : certificate.subject)
        value.append(text: name.value(of: types) ?? "")
        return nil
    }
}
