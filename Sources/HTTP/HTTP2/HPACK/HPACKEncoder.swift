import Memory

/// Encodes the field blocks of one connection, in the order in which they are sent (RFC 7541 §3).
///
/// A field is added to the dynamic table when it is sent for the second time: fields that every response has take one
/// octet afterwards, and fields that differ in every response do not evict them. Names are written in lower case.
@safe
package struct HPACKEncoder: ~Copyable {
    private var table: DynamicTable
    /// The maximum table size of the gateway.
    private let wantedSize: Int
    /// The sizes to send before the next block: the smallest one since the last block, and the current one.
    private var owedUpdate: (smallest: Int, present: Int)?
    private var seen = SeenFields()

    /// The peer's table size before its SETTINGS are received (RFC 9113 §6.5.2).
    private static var initialSize: Int { 4096 }
    /// The maximum size in bytes of a field that is looked up in the table.
    private static var largestIndexed: Int { 1024 }
    /// A shorter cookie could be guessed piece by piece if the table reveals matches (RFC 7541 §7.1.3).
    private static var shortCookie: Int { 20 }

    package init(maximumTable: Int = 4096) {
        wantedSize = min(maximumTable, DynamicTable.largestSize)
        table = DynamicTable(maximumSize: min(wantedSize, Self.initialSize))
        if wantedSize < Self.initialSize { owedUpdate = (wantedSize, wantedSize) }
    }

    /// Applies the peer's SETTINGS_HEADER_TABLE_SIZE.
    package mutating func limitTable(to size: Int) {
        let present = min(size, wantedSize)
        guard present != table.maximumSize || owedUpdate != nil else { return }
        owedUpdate = (min(owedUpdate?.smallest ?? present, present), present)
        table.resize(to: present)
        resizes += 1
    }

    /// Releases all memory, for an idle connection: the next block tells the peer to empty its table (RFC 7541 §4.3).
    package mutating func trim() {
        seen.removeAll()
        if table.count > 0 {
            let present = table.maximumSize
            table.resize(to: 0)
            table.resize(to: present)
            owedUpdate = (0, present)
            resizes += 1
        }
        table.trim()
    }

    /// Changes whenever the meaning of indices may change: a block of indices stays valid while this value is
    /// unchanged.
    var version: UInt64 { resizes << 32 | UInt64(table.inserted) }
    private var resizes: UInt64 = 0

    package var tableCount: Int { table.count }
    package var tableSize: Int { table.size }

    /// Begins a field block with the size of the table, if that has changed (RFC 7541 §4.2).
    package mutating func beginBlock(to output: inout OutputBuffer) {
        guard let owed = owedUpdate else { return }
        owedUpdate = nil
        if owed.smallest < owed.present { Self.writeSizeUpdate(owed.smallest, to: &output) }
        Self.writeSizeUpdate(owed.present, to: &output)
    }

    private static func writeSizeUpdate(_ size: Int, to output: inout OutputBuffer) {
        output.append(upTo: HPACKInteger.maximumEncoded) { room in
            HPACKInteger.encode(size, prefix: 5, flags: 0x20, to: room)
        }
    }

    @inline(__always)
    package mutating func encode(status: Int, to output: inout OutputBuffer) {
        switch status {
        case 200: output.append(0x88)
        case 204: output.append(0x89)
        case 206: output.append(0x8A)
        case 304: output.append(0x8B)
        case 400: output.append(0x8C)
        case 404: output.append(0x8D)
        case 500: output.append(0x8E)
        default: encode(otherStatus: status, to: &output)
        }
    }

    @inline(never)
    private mutating func encode(otherStatus status: Int, to output: inout OutputBuffer) {
        var digits: UInt32 = 0
        for unit in [100, 10, 1] { digits = digits << 8 | UInt32(0x30 + status / unit % 10) }
        withTemporaryBytes(4) { room in
            room.store(digits.bigEndian)
            encode(":status", room.view[1...], to: &output)
        }
    }

    package mutating func encode(_ name: StaticString, _ value: ByteView, to output: inout OutputBuffer) {
        let name = ByteView(name)
        encode(name, value, to: &output)
    }

    /// Encodes a field, whose name and value must be valid.
    ///
    /// - Parameter isSensitive: whether no intermediary may index the field, regardless of its name.
    package mutating func encode(
        _ name: ByteView, _ value: ByteView, isSensitive: Bool = false,
        to output: inout OutputBuffer
    ) {
        let size = name.count + value.count
        guard size <= Self.largestIndexed, size + DynamicTable.entryOverhead <= table.maximumSize else {
            return encodeLarge(name, value, isSensitive: isSensitive, to: &output)
        }
        let line = writeLine(name, value)
        let lowerName = line[..<name.count]
        if isSensitive || Self.isSecret(lowerName, valueCount: value.count) {
            return writeLiteral(lowerName, value, flags: 0x10, prefix: 4, to: &output)
        }
        let hash = SeenFields.hash(line)
        switch seen.look(for: hash, in: table) {
        case .entry(let index) where isEqual(line, to: index):
            let number = StaticTable.count + index
            if number < 0x7F { return output.append(UInt8(truncatingIfNeeded: 0x80 | number)) }
            output.append(upTo: HPACKInteger.maximumEncoded) { room in
                HPACKInteger.encode(number, prefix: 7, flags: 0x80, to: room)
            }
        case .seen, .entry:
            writeLiteral(lowerName, value, flags: 0x40, prefix: 6, to: &output)
            table.add(nameCount: name.count, valueCount: value.count, name: .other)
            seen.note(hash, number: table.inserted, in: table)
        case .new:
            writeLiteral(lowerName, value, flags: 0x00, prefix: 4, to: &output)
            seen.note(hash, number: 0, in: table)
        }
    }

    /// Writes the field's line to its possible position in the table; only `table.add` makes it an entry.
    @inline(__always)
    private mutating func writeLine(
        _ name: ByteView, _ value: ByteView
    ) -> ByteView {
        let count = name.count + value.count + FieldList.lineOverhead
        // Copies of whole words may extend beyond the line.
        let room = table.room(for: count)
        Self.copyInLowerCase(name, to: room)
        room.store(0x203A as UInt16, at: name.count)
        room.copyShort(value, to: name.count + 2)
        room.store(ASCII.lineEnd, at: count - 2)
        return room.view[..<count]
    }

    @inline(__always)
    private static func copyInLowerCase(_ name: ByteView, to room: MutableByteView) {
        precondition(name.count + 7 <= room.count, "copies of whole words may extend beyond the name")
        room.copyShort(name)
        let bytes = unsafe room.baseAddress.unsafelyUnwrapped
        var offset = 0
        while offset < name.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt8>.self)
            let isCapital = word &- SIMD8(repeating: 0x41) .< SIMD8(repeating: 26)
            let small = word.replacing(with: word | SIMD8(repeating: 0x20), where: isCapital)
            unsafe bytes.storeBytes(of: small, toByteOffset: offset, as: SIMD8<UInt8>.self)
            offset += 8
        }
    }

    @inline(__always)
    private func isEqual(_ line: ByteView, to index: Int) -> Bool {
        let entry = table[index]
        guard entry.lineCount == line.count else { return false }
        return SeenFields.isEqual(line, table.line(of: entry))
    }

    /// Whether a field must be protected from guessing (RFC 7541 §7.1).
    @inline(__always)
    private static func isSecret(_ name: ByteView, valueCount: Int) -> Bool {
        switch name.count {
        case 6: valueCount < shortCookie && name.bytes.equals("cookie", from: 0, to: 6)
        case 10: name.bytes.equals("set-cookie", from: 0, to: 10)
        case 13: name.bytes.equals("authorization", from: 0, to: 13)
        case 19: name.bytes.equals("proxy-authorization", from: 0, to: 19)
        default: false
        }
    }

    /// Encodes a field that is too large for the table.
    @inline(never)
    private func encodeLarge(
        _ name: ByteView, _ value: ByteView, isSensitive: Bool,
        to output: inout OutputBuffer
    ) {
        withTemporaryBytes(name.count + 8) { room in
            Self.copyInLowerCase(name, to: room)
            let lowerName = ByteView(room)[..<name.count]
            let isSecret = isSensitive || Self.isSecret(lowerName, valueCount: value.count)
            writeLiteral(lowerName, value, flags: isSecret ? 0x10 : 0x00, prefix: 4, to: &output)
        }
    }

    /// Writes a literal field; if its name is in the static table, its index is used (RFC 7541 §6.2).
    @inline(never)
    private func writeLiteral(
        _ name: ByteView, _ value: ByteView, flags: UInt8, prefix: Int,
        to output: inout OutputBuffer
    ) {
        let limit = name.count + value.count + 3 * HPACKInteger.maximumEncoded + 8
        output.append(upTo: limit) { room in
            let index = StaticTable.index(ofName: name)
            var count = HPACKInteger.encode(index ?? 0, prefix: prefix, flags: flags, to: room)
            if index == nil { count += Self.writeString(name, to: room[count...]) }
            return count + Self.writeString(value, to: room[count...])
        }
    }

    /// Writes a string in its shorter representation (RFC 7541 §5.2) and returns the number of bytes written.
    @inline(__always)
    private static func writeString(_ text: ByteView, to output: MutableByteView) -> Int {
        let coded = HuffmanCoding.encodedCount(text)
        if coded < text.count {
            let count = HPACKInteger.encode(coded, prefix: 7, flags: 0x80, to: output)
            return count + HuffmanCoding.encode(text, to: output[count...])
        }
        let count = HPACKInteger.encode(text.count, prefix: 7, flags: 0, to: output)
        output.copyShort(text, to: count)
        return count + text.count
    }
}
