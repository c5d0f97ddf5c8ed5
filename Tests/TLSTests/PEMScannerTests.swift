import Testing

@testable import TLS

@Suite("Blocks of PEM files") struct PEMScannerTests {
    private static let begin = "-----BEGIN CERTIFICATE-----\n"
    private static let end = "-----END CERTIFICATE-----\n"

    private func fault(_ text: String) -> String? { fault(Array(text.utf8)) }

    private func fault(_ bytes: [UInt8]) -> String? {
        do throws(PEMFault) {
            _ = try PEMFile.blocks(of: bytes)
            return nil
        } catch {
            return error.description
        }
    }

    private func contents(_ text: String) throws -> [[UInt8]] { try PEMFile.blocks(of: Array(text.utf8)).map(\.bytes) }

    @Test(arguments: [
        begin + "AQID\n" + end, "\u{FEFF}" + begin + "AQID\n" + end, begin + "AQID" + "\n" + end.dropLast(),
        "-----BEGIN CERTIFICATE-----\r\nAQ\r\nID\r\n-----END CERTIFICATE-----\r\n", begin + " AQ \t ID\n\n" + end,
        "-----BEGIN CERTIFICATE-----  \nAQID\n-----END CERTIFICATE-----\t\n",
        "Bag Attributes\n    friendlyName: the end\nsubject=CN = WEEKEND-CERTIFICATE, O = A-Z\n" + begin + "AQID\n"
            + end,
        "# -----BEGIN CERTIFICATE-----\n# AQ==\n# -----END CERTIFICATE-----\n" + begin + "AQID\n" + end,
        "# --- the end of the chain begins here ---\n# -- end --\n" + begin + "AQID\n" + end + "more - text\n",
        "-----BEGIN DH PARAMETERS-----\nAQID\n-----END DH PARAMETERS-----\n",
    ]) func `Whole blocks are taken, whatever stands around them`(_ text: String) throws {
        #expect(try contents(text) == [[1, 2, 3]])
    }

    @Test func `Base64 may end with one or two bytes`() throws {
        #expect(try contents(Self.begin + "AQ==\n" + Self.end) == [[1]])
        #expect(try contents(Self.begin + "AQI=\n" + Self.end) == [[1, 2]])
        #expect(try contents(Self.begin + "+/+/\n" + Self.end) == [[0xFB, 0xFF, 0xBF]])
    }

    @Test(arguments: [
        "----BEGIN CERTIFICATE-----", "------BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----",
        "-----BEGIN CERTIFICATE------", " -----BEGIN CERTIFICATE-----", "\t-----BEGIN CERTIFICATE-----",
        "-----BEGINCERTIFICATE-----", "-----BEGIN CERTIFICATE----- MIIB", "-----begin certificate-----",
        "----- BEGIN CERTIFICATE -----", "BEGIN CERTIFICATE", "\u{2014}\u{2014}BEGIN CERTIFICATE\u{2014}\u{2014}",
        "-----BEGIN CERTIFICATE-----\\nAQID\\n-----END CERTIFICATE-----", "\u{FEFF}\u{FEFF}-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\r-----END CERTIFICATE-----",
    ]) func `What looks like the beginning of a block and is none is refused by its line`(_ line: String) {
        let expected =
            "a damaged boundary of a block; expected -----BEGIN CERTIFICATE----- and nothing else in the line"
        #expect(fault("first\n\(line)\nAQID\n" + Self.end) == "line 2: \(expected)")
        #expect(fault(Self.begin + "AQID\n" + Self.end + line + "\nAQID\n" + Self.end) == "line 4: \(expected)")
    }

    @Test(arguments: ["----END CERTIFICATE-----", " -----END CERTIFICATE-----", "-----end certificate-----"])
    func `A damaged end is refused by its line`(_ line: String) {
        let expected = "a damaged boundary of a block; expected -----END CERTIFICATE----- and nothing else in the line"
        #expect(fault(Self.begin + "AQID\n" + line + "\n") == "line 3: \(expected)")
    }

    @Test(arguments: [
        (begin + "AQID\n", "line 1: the block CERTIFICATE that begins here has no end"),
        (begin + "AQID\n" + begin + "AQID\n" + end, "line 1: the block CERTIFICATE that begins here has no end"),
        ("\n" + end, "line 2: a block CERTIFICATE ends here that does not begin"),
        (
            begin + "AQID\n-----END PRIVATE KEY-----\n",
            "line 3: a block PRIVATE KEY ends here, but the one that began in line 1 is CERTIFICATE"
        ),
        (begin + "AQID\nAQ*D\n" + end, "line 3: not base64 in the block CERTIFICATE that begins in line 1"),
        (begin + "A=ID\n" + end, "line 2: not base64 in the block CERTIFICATE that begins in line 1"),
        (begin + "AQ==\nAQID\n" + end, "line 3: base64 behind its end in the block CERTIFICATE that begins in line 1"),
        (begin + "AQI\n" + end, "line 1: the block CERTIFICATE that begins here is cut short"),
        (begin + "AQ=\n" + end, "line 1: the block CERTIFICATE that begins here is cut short"),
        (begin + end, "line 1: the block CERTIFICATE that begins here is empty"),
    ]) func `A damaged block is named with its line`(_ text: String, _ expected: String) {
        #expect(fault(text) == expected)
    }

    @Test(arguments: [
        ("TRUSTED CERTIFICATE", "OpenSSL's own form"), ("OPENSSH PRIVATE KEY", "the form of OpenSSH"),
        ("PKCS7", "which is PKCS #7"), ("CERTIFCATE", "which is not known"), ("CERTIFICATES", "which is not known"),
    ]) func `A block that is of no use is named with its line`(_ label: String, _ reason: String) {
        let text = Self.begin + "AQID\n" + Self.end + "-----BEGIN \(label)-----\nAQID\n-----END \(label)-----\n"
        #expect(fault(text)?.hasPrefix("line 4: a block \(label), \(reason)") == true)
    }

    @Test func `A key with a header is encrypted if that says so`() throws {
        let text = { (header: String) in
            Array("-----BEGIN RSA PRIVATE KEY-----\n\(header)AQID\n-----END RSA PRIVATE KEY-----\n".utf8)
        }
        let header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
        let encrypted = try PEMFile.blocks(of: text(header))
        #expect(encrypted.map(\.kind) == [.encryptedKey])
        #expect(encrypted.map(\.bytes) == [[1, 2, 3]])
        #expect(try PEMFile.blocks(of: text("Comment: mine\n\n")).map(\.kind) == [.key])
        #expect(
            fault(text("Proc-Type: 4,ENCRYPTED\n"))
                == "line 1: the header of the block RSA PRIVATE KEY that begins here does not end with an empty line")
    }

    @Test func `A file that is cut off within a block is refused, wherever that is`() throws {
        let block = Self.begin + "AQID\n" + Self.end
        let text = Array((block + "text\n" + block).utf8)
        // The line feed after a boundary may be missing; a missing hyphen or two makes it no boundary.
        let first = block.utf8.count - 1
        for count in 0...text.count {
            let blocks = try? PEMFile.blocks(of: Array(text[..<count]))
            switch count {
            case 30..<first, (first + 40)..<(text.count - 1): #expect(blocks == nil)
            case first...first + 6: #expect(blocks?.count == 1)
            case (text.count - 1)...: #expect(blocks?.count == 2)
            default: #expect((blocks?.count ?? 0) <= 1)
            }
        }
    }

    @Test func `Text in UTF-16 is named`() {
        let text = Self.begin + "AQID\n" + Self.end
        let little = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        for bytes in [little, big, [0xFF, 0xFE] + little, [0xFE, 0xFF] + big] {
            #expect(fault(bytes)?.hasPrefix("holds text in UTF-16; expected ASCII") == true)
        }
    }

    @Test func `Certificates, keys and lists in DER are named`() throws {
        let authority = TestAuthority()
        let issued = authority.issue(["a.test"])
        let texts = [
            (issued.certificate, "a certificate"), (issued.key, "a private key"),
            (authority.issue(["a.test"], passphrase: "open").key, "a private key"),
            (authority.revoke([1]), "a revocation list"),
        ]
        for (text, name) in texts {
            let encoded = try #require(try PEMFile.blocks(of: text).first).bytes
            #expect(fault(encoded)?.hasPrefix("holds \(name) in DER; expected PEM") == true)
        }
        #expect(fault([0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2])?.hasPrefix("holds a Java key store") == true)
        #expect(fault("0 is no DER") == nil)
    }
}
