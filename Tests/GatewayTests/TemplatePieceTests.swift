import Testing

@testable import Gateway

@Suite("Pieces of a template") struct TemplatePieceTests {
    @Test func `Literals and names alternate`() {
        #expect(
            TemplatePiece.pieces(of: "a{b}{c}d", braces: .mistaken) == [
                .literal("a"), .name("b"), .name("c"), .literal("d"),
            ])
    }

    @Test func `A doubled brace stands for itself`() {
        #expect(TemplatePiece.pieces(of: "{{a}{b}}", braces: .doubled) == [.literal("{a}"), .name("b"), .literal("}")])
    }

    @Test(arguments: ["{a", "a}", "}a{", "{a}}"]) func `A brace without its partner is a mistake`(text: String) {
        #expect(TemplatePiece.pieces(of: text, braces: .mistaken) == nil)
    }

    @Test func `A brace that is not closed is a mistake wherever braces may be doubled`() {
        #expect(TemplatePiece.pieces(of: "{{ {a", braces: .doubled) == nil)
    }
}
