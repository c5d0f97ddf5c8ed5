import Memory

/// libFuzzer target: a PROXY protocol header has the same meaning whole or cut off, and bytes after it do not matter.
@c(LLVMFuzzerTestOneInput)
public func fuzzProxyProtocol(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    // An allocation of exactly the input's size lets AddressSanitizer see the first byte read beyond it.
    let input = OwnedBytes(count: max(size, 1))
    if let data, size > 0 { input.room.baseAddress!.copyMemory(from: data, byteCount: size) }

    let whole = parse(input.view, size)
    for end in 0..<size {
        let part = parse(input.view, end)
        precondition(part == .incomplete || part == whole, "a further byte changed the verdict")
    }
    if case .header(let header) = whole {
        precondition(header.length <= size && header.length <= ProxyProtocolHeader.maximumLength)
        precondition(parse(input.view, header.length) == whole, "what follows the header changed it")
        if let client = header.client {
            let again = ProxyProtocolWriter.version2(client)
            let read = again.withBytes { parse($0, again.count) }
            precondition(read == .header(ProxyProtocolHeader(client: client, length: again.count)))
        }
    }
    return 0
}

private enum Verdict: Equatable {
    case incomplete
    case header(ProxyProtocolHeader)
    case refused(ProxyProtocolRejection)
}

private func parse(_ input: ByteView, _ count: Int) -> Verdict {
    do throws(ProxyProtocolRejection) {
        let received = input[..<count]
        return try ProxyProtocolHeader.parse(received.bytes).map { .header($0) } ?? .incomplete
    } catch {
        return .refused(error)
    }
}
