import Memory

extension StaticTable {
    /// The index of the first entry with this lower-case name; the length distinguishes most names.
    static func index(ofName name: ByteView) -> Int? {
        let bytes = name.bytes
        func isNamed(_ text: StaticString) -> Bool { bytes.equals(text, from: 0, to: bytes.byteCount) }
        switch name.count {
        case 3: return isNamed("age") ? 21 : isNamed("via") ? 60 : nil
        case 4:
            return isNamed("date")
                ? 33
                : isNamed("etag")
                    ? 34
                    : isNamed("vary")
                        ? 59
                        : isNamed("link")
                            ? 45
                            : isNamed("host") ? 38 : isNamed("from") ? 37 : nil
        case 5: return isNamed(":path") ? 4 : isNamed("allow") ? 22 : isNamed("range") ? 50 : nil
        case 6:
            return isNamed("server")
                ? 54 : isNamed("accept") ? 19 : isNamed("cookie") ? 32 : isNamed("expect") ? 35 : nil
        case 7: return indexOfSeven(isNamed)
        case 8: return isNamed("location") ? 46 : isNamed("if-match") ? 39 : isNamed("if-range") ? 42 : nil
        case 10: return isNamed("set-cookie") ? 55 : isNamed("user-agent") ? 58 : isNamed(":authority") ? 1 : nil
        case 11: return isNamed("retry-after") ? 53 : nil
        case 12: return isNamed("content-type") ? 31 : isNamed("max-forwards") ? 47 : nil
        case 13: return indexOfThirteen(isNamed)
        case 14: return isNamed("content-length") ? 28 : isNamed("accept-charset") ? 15 : nil
        case 15: return isNamed("accept-encoding") ? 16 : isNamed("accept-language") ? 17 : nil
        case 16:
            return isNamed("content-encoding")
                ? 26
                : isNamed("content-language")
                    ? 27
                    : isNamed("content-location") ? 29 : isNamed("www-authenticate") ? 61 : nil
        case 17: return isNamed("if-modified-since") ? 40 : isNamed("transfer-encoding") ? 57 : nil
        case 18: return isNamed("proxy-authenticate") ? 48 : nil
        case 19:
            return isNamed("content-disposition")
                ? 25
                : isNamed("if-unmodified-since")
                    ? 43
                    : isNamed("proxy-authorization") ? 49 : nil
        case 25: return isNamed("strict-transport-security") ? 56 : nil
        case 27: return isNamed("access-control-allow-origin") ? 20 : nil
        default: return nil
        }
    }

    @inline(__always)
    private static func indexOfSeven(_ isNamed: (StaticString) -> Bool) -> Int? {
        isNamed(":status")
            ? 8
            : isNamed(":method")
                ? 2
                : isNamed(":scheme")
                    ? 6
                    : isNamed("expires")
                        ? 36
                        : isNamed("referer") ? 51 : isNamed("refresh") ? 52 : nil
    }

    @inline(__always)
    private static func indexOfThirteen(_ isNamed: (StaticString) -> Bool) -> Int? {
        isNamed("cache-control")
            ? 24
            : isNamed("last-modified")
                ? 44
                : isNamed("content-range")
                    ? 30
                    : isNamed("accept-ranges")
                        ? 18 : isNamed("authorization") ? 23 : isNamed("if-none-match") ? 41 : nil
    }
}
