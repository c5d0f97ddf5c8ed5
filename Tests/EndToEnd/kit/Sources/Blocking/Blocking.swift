// Responses of handlers that block; the path after the extension's own selects one.
import ExtensionKit
import HTTPTypes

@c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Blocking", handler: answer).entry }

struct Broken: Error {}

private let ok = HTTPResponse(status: .ok, headerFields: [.contentType: "application/octet-stream"])

private func answer(_ request: borrowing Request, _ response: consuming ResponseSender) throws {
    switch request.pathInfo {
    case "/echo":
        try response.send(ok, body: try request.body(atMost: 1 << 20))
    case "/head":
        let fields = request.head.headerFields.map { "\($0.name.rawName)=\($0.value)\n" }.joined()
        let target = "\(request.head.method) \(request.head.scheme!) \(request.head.authority!) \(request.head.path!)\n"
        try response.send(ok, body: target + fields)
    case "/count":
        var (total, sum) = (0, 0)
        while let bytes = try request.read() {
            total += bytes.count
            for byte in bytes { sum += Int(byte) }
        }
        try response.send(ok, body: "\(total) \(sum)")
    case "/stream":
        let body = try response.begin(ok)
        for number in 0..<Int(request.query)! / 65536 {
            try body.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 65536))
        }
    case "/relay":
        let body = try response.begin(ok)
        while let bytes = try request.read() { try body.write(bytes) }
    case "/throw":
        throw Broken()
    case "/late":
        let body = try response.begin(ok)
        try body.write("half")
        throw Broken()
    case "/silent":
        return
    default:
        try response.send(ok, body: "Hello\(request.pathInfo)?\(request.query)")
    }
}
