import Transport

/// Passes the material from files to gateway processes.
extension Supervisor {
    /// Sends the material and the request that makes the gateway serve it.
    func hand(_ served: Served, to child: Child, _ request: ControlRequest) throws(SystemError) {
        let sockets = served.plan.labelled
        for start in stride(from: 0, to: sockets.count, by: ControlChannel.descriptorsPerMessage) {
            let part = sockets[start..<min(start + ControlChannel.descriptorsPerMessage, sockets.count)]
            try child.link.send(.sockets(part.map(\.label)), part.map(\.descriptor))
        }
        try child.link.send(request, [served.archive.number])
    }

    static func seal(_ archive: MaterialArchive) throws(GatewayError) -> OpenFile {
        do throws(SystemError) {
            return try SealedMemory.make(archive.encoded())
        } catch {
            throw .runtime("cannot keep the configuration in memory: \(error.description)")
        }
    }

    /// The archive that `seal` has stored.
    static func unseal(_ sealed: OpenFile) throws(GatewayError) -> MaterialArchive {
        guard let bytes = try? SealedMemory.read(sealed, atMost: MaterialArchive.maximumBytes),
            let archive = try? MaterialArchive(decoding: bytes)
        else { throw .runtime("the configuration being served cannot be read from memory") }
        return archive
    }
}
