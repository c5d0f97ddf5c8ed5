import FoundationEssentials
import HTTP
import Memory
import TLS

/// The page for people: one document that loads nothing but its own events.
enum StatusPage {
    /// The fields of the page and of its events.
    static let commonFields: [(name: String, value: String)] = [
        (name: "Cache-Control", value: "no-store"), (name: "X-Content-Type-Options", value: "nosniff"),
        (name: "Referrer-Policy", value: "no-referrer"), (name: "Cross-Origin-Resource-Policy", value: "same-origin"),
    ]

    static let response = FixedResponse(
        status: 200,
        fields: commonFields + [
            (name: "Content-Type", value: "text/html; charset=utf-8"), (name: "Content-Security-Policy", value: policy),
        ],
        body: Array(document.utf8))

    private static let script =
        "\"use strict\";\n" + StatusScript.elements + StatusScript.charts + StatusScript.sections + StatusScript.stream

    private static let document =
        StatusMarkup.head + "<style>" + StatusStyle.text + "</style>" + StatusMarkup.body + "<script>" + script
        + "</script></body></html>\n"

    /// Only this style and this script, known by their digests, and nothing that makes markup of text.
    private static let policy = [
        "default-src 'none'", "script-src \(source(script))", "style-src \(source(StatusStyle.text))", "img-src data:",
        "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ].joined(separator: "; ")

    private static func source(_ text: String) -> String {
        let digest = Array(text.utf8).withBytes { $0.digest }
        return "'sha256-\(Data(digest).base64EncodedString())'"
    }
}
