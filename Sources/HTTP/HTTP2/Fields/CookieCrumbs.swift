// Cookies, which HTTP/2 may split into several fields (RFC 9113 §8.2.3).
extension FieldList {
    /// Overwrites the end of the name of an `:authority` field with `host`, which makes it an HTTP/1 field line.
    mutating func renameAuthority(_ field: Field) {
        let host: StaticString = "host"
        overwrite(at: Int(field.name.start + field.name.count) - host.utf8CodeUnitCount, with: host)
    }

    /// Joins all cookie fields into the last field: their values, except empty ones, separated by "; ".
    ///
    /// The lines after the first crumb are moved up, and the joined cookie follows them. It is never longer than its
    /// crumbs.
    mutating func joinCookies() {
        var gathered = 0
        var nameEnd = 0
        var end = 0
        var kept = 0
        var cookie: Field?
        for index in 0..<count {
            var field = self[index]
            guard field.meaning == .cookie else {
                if cookie != nil { move(&field, to: end) }
                end = field.value.range.upperBound + 2
                self[kept] = field
                kept += 1
                continue
            }
            if cookie == nil {
                // The name of the first one, a colon and a space.
                cookie = field
                end = Int(field.name.start)
                gathered = gather(end..<Int(field.value.start), behind: gathered)
                nameEnd = gathered
            } else if !field.value.isEmpty, gathered > nameEnd {
                gather("; ", at: gathered)
                gathered += 2
            }
            gathered = gather(field.value.range, behind: gathered)
        }
        guard var cookie else { return }
        gather("\r\n", at: gathered)
        endLines(with: &cookie, gathered: gathered + 2, at: end)
        self[kept] = cookie
        keep(kept + 1)
    }

    /// Gathers the bytes at `range`; returns the number of bytes gathered so far.
    private func gather(_ range: Range<Int>, behind gathered: Int) -> Int {
        gather(range, at: gathered)
        return gathered + range.count
    }
}
