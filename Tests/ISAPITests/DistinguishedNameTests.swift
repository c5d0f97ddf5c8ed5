import Testing

@testable import ISAPI

@Suite struct DistinguishedNameTests {
    private let name = DistinguishedName(#"CN=Doe\, Jane,OU=a+L=b\C3\BC,emailAddress=jane@example.test,C="#)

    @Test(arguments: [
        ("CN", "Doe, Jane"), ("OU", "a"), ("L", "bü"), ("EMAILADDRESS", "jane@example.test"), ("C", ""),
    ])
    func anAttributeHasItsValueWithoutEscapes(_ type: String, _ value: String) {
        #expect(name.value(of: [type]) == value)
    }

    @Test func anAttributeThatIsNotThereHasNone() {
        #expect(name.value(of: ["ST"]) == nil)
        #expect(DistinguishedName("").value(of: ["CN"]) == nil)
    }

    @Test(arguments: [#"CN=a\"#, "CN", #"CN=\4"#, "=", ",,,"])
    func aNameThatIsMalformedEndsSomewhere(_ text: String) {
        _ = DistinguishedName(text).value(of: ["C"])
    }
}
