import Memory

/// libFuzzer target: field blocks of one connection decode within their limits, and what was decoded survives being
/// encoded and decoded again, with both dynamic tables the same.
///
/// The first byte determines the limits; each block is one length byte and as many bytes.
@c(LLVMFuzzerTestOneInput)
public func fuzzFieldBlock(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size >= 1 else { return 0 }
    let limits = HeadLimits(maximumHead: 64 + 16 * Int(data[0]), maximumRequestLine: 512, maximumFields: 16)
    var decoder = HPACKDecoder(maximumTable: 512)
    var request = RequestAssembly(limits: limits)
    var encoder = HPACKEncoder(maximumTable: 512)
    var again = HPACKDecoder(maximumTable: 4096)
    var repeated = FieldList(limits: HeadLimits(maximumHead: 64 << 10, maximumRequestLine: 512, maximumFields: 64))
    var offset = 1
    while offset < size {
        let count = min(Int(data[offset]), size - offset - 1)
        // An allocation of exactly the block's size lets AddressSanitizer see the first byte read beyond it.
        let block = OwnedBytes(count: max(count, 1))
        if count > 0 { block.room.baseAddress!.copyMemory(from: data + offset + 1, byteCount: count) }
        offset += 1 + count
        do throws(HTTP2Fault) {
            try decoder.decode(block.view[..<count].bytes, into: &request.fields)
        } catch {
            precondition(error.code == .compressionError, "a fault of another kind")
            return 0
        }
        check(request.fields, limits)
        precondition(decoder.tableSize <= 512)
        encodeAgain(request.fields, &encoder, &again, &repeated)
        let endsStream = request.fields.count % 2 == 0
        do throws(RequestRejection) {
            try request.assemble(endsStream: endsStream)
        } catch {
            continue
        }
        check(request)
    }
    return 0
}

private func check(_ fields: borrowing FieldList, _ limits: HeadLimits) {
    precondition(fields.count <= limits.maximumFields && fields.filled <= limits.maximumHead)
    var size = 0
    for index in 0..<fields.count {
        let field = fields[index]
        precondition(field.name.range.upperBound + 2 == field.value.range.lowerBound)
        precondition(field.value.range.upperBound + 2 <= fields.filled)
        size += 32 + Int(field.name.count) + Int(field.value.count)
    }
    precondition(size <= limits.maximumHead)
}

private func encodeAgain(
    _ fields: borrowing FieldList, _ encoder: inout HPACKEncoder, _ decoder: inout HPACKDecoder,
    _ repeated: inout FieldList
) {
    var output = OutputBuffer()
    encoder.beginBlock(to: &output)
    var names: [[UInt8]] = []
    for index in 0..<fields.count {
        let field = fields[index]
        let name = fields.text[field.name.range]
        names.append(name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 })
        encoder.encode(
            name, fields.text[field.value.range], isSensitive: field.isNeverIndexed,
            to: &output)
    }
    do throws(HTTP2Fault) {
        try decoder.decode(output.unsent.bytes, into: &repeated)
    } catch {
        preconditionFailure("what we encode does not decode")
    }
    precondition(repeated.count == fields.count && decoder.tableSize == encoder.tableSize)
    for index in 0..<fields.count {
        let (one, two) = (fields[index], repeated[index])
        precondition(repeated.text[two.name.range].elementsEqual(names[index]))
        precondition(fields.text[one.value.range].elementsEqual(repeated.text[two.value.range]))
        precondition(!one.isNeverIndexed || two.isNeverIndexed)
    }
}

/// A decoded head could have come by HTTP/1: it is written in that form and parsed.
private func check(_ request: borrowing RequestAssembly) {
    let text = request.fields.text
    var head: [UInt8] = Array(text[request.head.methodToken.range]) + [0x20] + Array(text[request.head.target.range])
    head += Array(" HTTP/1.1\r\n".utf8)
    for index in 0..<request.fields.count {
        let field = request.fields[index]
        precondition(field.value.range.upperBound + 2 <= request.fields.filled)
        head += Array(text[field.name.range]) + [0x3A, 0x20] + Array(text[field.value.range]) + [0x0D, 0x0A]
    }
    head += [0x0D, 0x0A]
    var parser = RequestParser(
        limits: HeadLimits(maximumHead: 64 << 10, maximumRequestLine: 8 << 10, maximumFields: 64))
    let copy = OwnedBytes(count: head.count)
    head.withBytes { copy.room.copy($0) }
    guard let isWhole = try? parser.parse(copy.view.bytes), isWhole else {
        preconditionFailure("a head that HTTP/1 would refuse")
    }
    precondition(parser.head.fieldCount == request.head.fieldCount && parser.head.method == request.head.method)
}
