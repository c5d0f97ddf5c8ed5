extension Exchange {
    /// The content codings that the client accepts.
    package var acceptEncoding: AcceptEncoding {
        var accepted = AcceptEncoding()
        let head = headBytes.bytes
        let fields = fields
        for index in fields.indices {
            let field = fields[index]
            let name = field.name.range
            guard name.count == 15, head.equals("accept-encoding", from: name.lowerBound, to: name.upperBound) else {
                continue
            }
            accepted.add(bytes(of: field.value).bytes)
        }
        return accepted
    }
}
