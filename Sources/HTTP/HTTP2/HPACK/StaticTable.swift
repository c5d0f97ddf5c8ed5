import Memory

/// The static table (RFC 7541 Appendix A).
enum StaticTable {
    static var count: Int { 61 }

    /// Its entries as consecutive field lines; there is space for a read of sixteen bytes after them.
    static var lines: StaticString {
        """
        :authority: \r\n\
        :method: GET\r\n\
        :method: POST\r\n\
        :path: /\r\n\
        :path: /index.html\r\n\
        :scheme: http\r\n\
        :scheme: https\r\n\
        :status: 200\r\n\
        :status: 204\r\n\
        :status: 206\r\n\
        :status: 304\r\n\
        :status: 400\r\n\
        :status: 404\r\n\
        :status: 500\r\n\
        accept-charset: \r\n\
        accept-encoding: gzip, deflate\r\n\
        accept-language: \r\n\
        accept-ranges: \r\n\
        accept: \r\n\
        access-control-allow-origin: \r\n\
        age: \r\n\
        allow: \r\n\
        authorization: \r\n\
        cache-control: \r\n\
        content-disposition: \r\n\
        content-encoding: \r\n\
        content-language: \r\n\
        content-length: \r\n\
        content-location: \r\n\
        content-range: \r\n\
        content-type: \r\n\
        cookie: \r\n\
        date: \r\n\
        etag: \r\n\
        expect: \r\n\
        expires: \r\n\
        from: \r\n\
        host: \r\n\
        if-match: \r\n\
        if-modified-since: \r\n\
        if-none-match: \r\n\
        if-range: \r\n\
        if-unmodified-since: \r\n\
        last-modified: \r\n\
        link: \r\n\
        location: \r\n\
        max-forwards: \r\n\
        proxy-authenticate: \r\n\
        proxy-authorization: \r\n\
        range: \r\n\
        referer: \r\n\
        refresh: \r\n\
        retry-after: \r\n\
        server: \r\n\
        set-cookie: \r\n\
        strict-transport-security: \r\n\
        transfer-encoding: \r\n\
        user-agent: \r\n\
        vary: \r\n\
        via: \r\n\
        www-authenticate: \r\n\
        ................
        """
    }

    /// An entry: the offset of its line in `lines`, the lengths of its name and value in bytes, and the meaning of its
    /// name.
    struct Entry: BitwiseCopyable {
        var start: UInt16
        var nameCount: UInt8
        var valueCount: UInt8
        var name: FieldName
    }

    /// The line of an entry.
    @inline(__always)
    static func line(of entry: Entry) -> ByteView {
        let count = Int(entry.nameCount) + Int(entry.valueCount) + FieldList.lineOverhead
        return ByteView(lines)[Int(entry.start)..<Int(entry.start) + count]
    }

    /// The entries in the order of their indices, from 1 on.
    static let entries: InlineArray<61, Entry> = [
        Entry(start: 0, nameCount: 10, valueCount: 0, name: .authority),
        Entry(start: 14, nameCount: 7, valueCount: 3, name: .method),
        Entry(start: 28, nameCount: 7, valueCount: 4, name: .method),
        Entry(start: 43, nameCount: 5, valueCount: 1, name: .path),
        Entry(start: 53, nameCount: 5, valueCount: 11, name: .path),
        Entry(start: 73, nameCount: 7, valueCount: 4, name: .scheme),
        Entry(start: 88, nameCount: 7, valueCount: 5, name: .scheme),
        Entry(start: 104, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 118, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 132, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 146, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 160, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 174, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 188, nameCount: 7, valueCount: 3, name: .status),
        Entry(start: 202, nameCount: 14, valueCount: 0, name: .other),
        Entry(start: 220, nameCount: 15, valueCount: 13, name: .other),
        Entry(start: 252, nameCount: 15, valueCount: 0, name: .other),
        Entry(start: 271, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 288, nameCount: 6, valueCount: 0, name: .other),
        Entry(start: 298, nameCount: 27, valueCount: 0, name: .other),
        Entry(start: 329, nameCount: 3, valueCount: 0, name: .other),
        Entry(start: 336, nameCount: 5, valueCount: 0, name: .other),
        Entry(start: 345, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 362, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 379, nameCount: 19, valueCount: 0, name: .other),
        Entry(start: 402, nameCount: 16, valueCount: 0, name: .other),
        Entry(start: 422, nameCount: 16, valueCount: 0, name: .other),
        Entry(start: 442, nameCount: 14, valueCount: 0, name: .contentLength),
        Entry(start: 460, nameCount: 16, valueCount: 0, name: .other),
        Entry(start: 480, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 497, nameCount: 12, valueCount: 0, name: .contentType),
        Entry(start: 513, nameCount: 6, valueCount: 0, name: .cookie),
        Entry(start: 523, nameCount: 4, valueCount: 0, name: .other),
        Entry(start: 531, nameCount: 4, valueCount: 0, name: .other),
        Entry(start: 539, nameCount: 6, valueCount: 0, name: .expect),
        Entry(start: 549, nameCount: 7, valueCount: 0, name: .other),
        Entry(start: 560, nameCount: 4, valueCount: 0, name: .other),
        Entry(start: 568, nameCount: 4, valueCount: 0, name: .host),
        Entry(start: 576, nameCount: 8, valueCount: 0, name: .other),
        Entry(start: 588, nameCount: 17, valueCount: 0, name: .other),
        Entry(start: 609, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 626, nameCount: 8, valueCount: 0, name: .other),
        Entry(start: 638, nameCount: 19, valueCount: 0, name: .other),
        Entry(start: 661, nameCount: 13, valueCount: 0, name: .other),
        Entry(start: 678, nameCount: 4, valueCount: 0, name: .other),
        Entry(start: 686, nameCount: 8, valueCount: 0, name: .other),
        Entry(start: 698, nameCount: 12, valueCount: 0, name: .other),
        Entry(start: 714, nameCount: 18, valueCount: 0, name: .other),
        Entry(start: 736, nameCount: 19, valueCount: 0, name: .other),
        Entry(start: 759, nameCount: 5, valueCount: 0, name: .other),
        Entry(start: 768, nameCount: 7, valueCount: 0, name: .other),
        Entry(start: 779, nameCount: 7, valueCount: 0, name: .other),
        Entry(start: 790, nameCount: 11, valueCount: 0, name: .other),
        Entry(start: 805, nameCount: 6, valueCount: 0, name: .other),
        Entry(start: 815, nameCount: 10, valueCount: 0, name: .other),
        Entry(start: 829, nameCount: 25, valueCount: 0, name: .other),
        Entry(start: 858, nameCount: 17, valueCount: 0, name: .connectionSpecific),
        Entry(start: 879, nameCount: 10, valueCount: 0, name: .other),
        Entry(start: 893, nameCount: 4, valueCount: 0, name: .other),
        Entry(start: 901, nameCount: 3, valueCount: 0, name: .other),
        Entry(start: 908, nameCount: 16, valueCount: 0, name: .other),
    ]
}
