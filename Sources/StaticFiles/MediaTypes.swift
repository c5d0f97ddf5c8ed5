import Glibc
import Transport

/// The media type of a file, from the suffix of its name (RFC 9110 §8.3).
///
/// The system's `mime.types` has many types; a built-in list has those that are common on the web and takes precedence.
package struct MediaTypes: Sendable {
    /// Lower-case extensions without the dot, to values of Content-Type.
    private let types: [String: String]

    /// The type of a file whose suffix is not known.
    package static let unknown = "application/octet-stream"

    /// A larger file is not a list of types.
    private static let maximumBytes = 1 << 20

    /// - Parameter systemList: the text of a `mime.types` file.
    package init(systemList: String = "") {
        var types: [String: String] = [:]
        // By bytes: with characters this would take most of the time of a reload.
        let hash = UInt8(ascii: "#"), slash = UInt8(ascii: "/")
        for line in systemList.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.first != hash {
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard let type = words.first, type.allSatisfy(Self.isTypeByte), type.contains(slash) else { continue }
            for word in words.dropFirst() {
                let name = String(Substring(word)).lowercased()
                if types[name] == nil { types[name] = Self.withCharset(String(Substring(type))) }
            }
        }
        for line in Self.core.split(separator: "\n") {
            let words = line.split(separator: " ")
            for name in words.dropFirst() { types[String(name)] = Self.withCharset(String(words[0])) }
        }
        self.types = types
    }

    /// With `/etc/mime.types`, if it exists.
    package static func system() -> MediaTypes {
        guard let file = unsafe fopen("/etc/mime.types", "re") else { return MediaTypes() }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
        return MediaTypes(systemList: String(decoding: Array(bytes[..<count]).withoutByteOrderMark, as: UTF8.self))
    }

    /// The value of Content-Type for a file of this name, with a charset for text.
    package func type(ofFileNamed name: String) -> String {
        let base = name.split(separator: "/").last ?? ""
        guard let dot = base.lastIndex(of: ".") else { return Self.unknown }
        return types[base[base.index(after: dot)...].lowercased()] ?? Self.unknown
    }

    /// Text on the web is UTF-8 today; without a charset, browsers guess.
    private static func withCharset(_ type: String) -> String {
        type.hasPrefix("text/") ? type + "; charset=utf-8" : type
    }

    /// The characters that are allowed in the name of a type (RFC 6838 §4.2), and the slash.
    private static func isTypeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "/!#$&-^_.+".utf8.contains(byte)
        }
    }

    private static let core = """
        text/html html htm
        text/css css
        text/javascript js mjs cjs
        text/plain txt text log conf ini
        text/csv csv
        text/markdown md markdown
        text/calendar ics
        text/vtt vtt
        text/vcard vcf
        text/x-c c h
        application/json json map
        application/ld+json jsonld
        application/manifest+json webmanifest
        application/xml xml xsl xsd
        application/xhtml+xml xhtml
        application/rss+xml rss
        application/atom+xml atom
        application/wasm wasm
        application/pdf pdf
        application/zip zip
        application/gzip gz tgz
        application/zstd zst
        application/x-7z-compressed 7z
        application/x-bzip2 bz2
        application/x-tar tar
        application/x-xz xz
        application/yaml yaml yml
        application/epub+zip epub
        application/rtf rtf
        application/java-archive jar
        application/vnd.android.package-archive apk
        application/vnd.debian.binary-package deb
        application/x-rpm rpm
        application/msword doc
        application/vnd.ms-excel xls
        application/vnd.ms-powerpoint ppt
        application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
        application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
        application/vnd.oasis.opendocument.text odt
        application/vnd.oasis.opendocument.spreadsheet ods
        application/octet-stream bin exe dll iso img msi dmg so
        image/avif avif
        image/bmp bmp
        image/gif gif
        image/jpeg jpg jpeg
        image/jxl jxl
        image/png png apng
        image/svg+xml svg
        image/tiff tif tiff
        image/webp webp
        image/vnd.microsoft.icon ico
        font/woff woff
        font/woff2 woff2
        font/ttf ttf
        font/otf otf
        font/collection ttc
        audio/aac aac
        audio/flac flac
        audio/mpeg mp3
        audio/mp4 m4a
        audio/ogg ogg oga opus
        audio/wav wav
        audio/webm weba
        audio/midi mid midi
        video/mp4 mp4 m4v
        video/mpeg mpeg mpg
        video/ogg ogv
        video/quicktime mov
        video/webm webm
        video/x-msvideo avi
        video/x-matroska mkv
        video/mp2t ts
        """
}
