import Testing

@testable import Gateway

@Suite("Conditions of routes") struct ConditionMatcherTests {
    @Test(arguments: [
        ("v=2", true), ("v=2&x=1", true), ("x=1&v=2", true), ("v=1&v=2", true), ("v=%32", true), ("%76=2", true),
        ("v=", false), ("v", false), ("", false), ("v=22", false), ("vv=2", false), ("v%3D2", false), ("V=2", false),
    ]) func `A parameter has a value`(_ query: String, _ isMet: Bool) {
        #expect(isMet == meets(.init(name: "v", test: .equals("2")), query))
    }

    @Test(arguments: [("v=2", true), ("v", true), ("a&v", true), ("a=v", false), ("", false)])
    func `A parameter is there`(_ query: String, _ isMet: Bool) {
        #expect(isMet == meets(.init(name: "v", test: .present), query))
        #expect(isMet != meets(.init(name: "v", test: .absent), query))
    }

    @Test(arguments: [
        ("a+b", "a b", true), ("a%20b", "a b", true), ("%", "%", true), ("%4", "%4", true), ("%zz", "%zz", true),
    ])
    func `Text of forms is compared as it reads`(_ encoded: String, _ text: String, _ isEqual: Bool) {
        #expect(isEqual == meets(.init(name: "v", test: .equals(text)), "v=" + encoded))
    }

    private func meets(_ requirement: RouteConditions.Requirement, _ query: String) -> Bool {
        Array(query.utf8).withBytes { RequirementMatcher(requirement).isMet(byQuery: $0) }
    }
}
