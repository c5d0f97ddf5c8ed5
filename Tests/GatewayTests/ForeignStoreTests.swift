import Testing

@testable import Gateway

@Suite("Stores of other clients of ACME") struct ForeignStoreTests {
    @Test(arguments: [
        ("https://acme-v02.api.letsencrypt.org/directory", "acme-v02.api.letsencrypt.org-directory"),
        ("acme-v02.api.letsencrypt.org-directory", "acme-v02.api.letsencrypt.org-directory"),
        ("acme-v02.api.letsencrypt.org/directory", "acme-v02.api.letsencrypt.org-directory"),
        ("https://CA.test:14000/acme/dir/", "ca.test-14000-acme-dir"),
        ("ca.test:14000/acme/dir", "ca.test-14000-acme-dir"),
    ]) func aDirectoryIsTheSameHoweverItIsStored(_ text: String, _ key: String) {
        #expect(ForeignStore.authorityKey(text) == key)
    }

    @Test func theServerIsReadFromARenewalConfiguration() {
        let text = "# server = no\n[renewalparams]\naccount = 1\nserver = https://ca.test/dir\nkey_type = rsa\n"
        let bytes = Array(text.utf8)
        #expect(ForeignStore.server(in: bytes) == "https://ca.test/dir")
        let line = text.firstRange(of: "https").map { text[..<$0.lowerBound].utf8.count } ?? 0
        // Nothing is invented where the text ends early.
        for end in 0..<line { #expect(ForeignStore.server(in: Array(bytes[..<end])) == nil) }
    }
}
