/// A private key as other clients of ACME store it (RFC 7517, RFC 7518 §6).
package enum PrivateWebKey {
    private struct Members: Decodable {
        var kty: String
        var crv: String?
        var x: String?
        var y: String?
        var n: String?
        var e: String?
        var d: String?
        var p: String?
        var q: String?
        var dp: String?
        var dq: String?
        var qi: String?
    }

    /// The key in PEM.
    ///
    /// - Throws: for text that is no such key, or a key of a kind that ACME has no algorithm for.
    package static func pem(_ text: [UInt8]) throws(AcmeError) -> [UInt8] {
        guard let members = try? JSON.decode(Members.self, from: text, "a key") else {
            throw .local("it is no private key in JSON")
        }
        func number(_ member: String?) throws(AcmeError) -> [UInt8] {
            guard let bytes = member.flatMap({ Base64URL.decode($0) }), !bytes.isEmpty else {
                throw .local("a number of the key is missing or not in base64 for URLs")
            }
            return bytes
        }
        switch (members.kty, members.crv) {
        case ("RSA", _):
            var numbers = [DER.integer([0])]
            for member in [
                members.n, members.e, members.d, members.p, members.q, members.dp, members.dq, members.qi,
            ] {
                numbers.append(DER.integer(try number(member)))
            }
            return PEMText.block("RSA PRIVATE KEY", DER.sequence(of: numbers))
        case ("EC", "P-256"), ("EC", "P-384"):
            let isShort = members.crv == "P-256"
            let size = isShort ? 32 : 48
            let (x, y, d) = (try number(members.x), try number(members.y), try number(members.d))
            guard x.count == size, y.count == size, d.count == size else {
                throw .local("a number of the key has another length than its curve")
            }
            let curve = DER.identifier(isShort ? [1, 2, 840, 10045, 3, 1, 7] : [1, 3, 132, 0, 34])
            let key = DER.sequence(
                DER.integer([1]), DER.octets(d), DER.element(DER.Tag.context(0), curve),
                DER.element(DER.Tag.context(1), DER.bits([4] + x + y)))
            return PEMText.block("EC PRIVATE KEY", key)
        default: throw .local("its key is of the kind \(visibleText(members.kty, limit: 20))")
        }
    }
}
