import Memory

/// Decodes the field blocks of one connection, in order of arrival (RFC 7541 §3).
///
/// Every fault is an error of the connection, since the tables are no longer in sync; after a fault the decoder cannot
/// be used any more.
package struct HPACKDecoder: ~Copyable {
    private(set) var table: DynamicTable
    /// The maximum size of the table according to the SETTINGS.
    private var allowedSize: Int
    /// The table is larger than the SETTINGS allow, and the peer must send a size update.
    private var owesSizeUpdate = false

    /// - Parameter maximumTable: the SETTINGS_HEADER_TABLE_SIZE sent to the peer.
    package init(maximumTable: Int = 4096) {
        // Until the peer sends a size update, its table has the default size (RFC 9113 §6.5.2), which is also an upper
        // bound for the sizes that it may choose.
        allowedSize = min(maximumTable, DynamicTable.largestSize)
        table = DynamicTable(maximumSize: allowedSize)
    }

    /// Changes the maximum size, once the peer has acknowledged the SETTINGS.
    package mutating func limitTable(to size: Int) {
        allowedSize = min(size, DynamicTable.largestSize)
        owesSizeUpdate = table.maximumSize > allowedSize
    }

    /// Releases memory that the present entries do not need, for an idle connection.
    mutating func trim() { table.trim() }

    /// The number of entries of the dynamic table and their size, for tests.
    package var tableCount: Int { table.count }
    package var tableSize: Int { table.size }

    /// The name and value of an entry, with the newest one first.
    package func tableEntry(_ index: Int) -> (name: [UInt8], value: [UInt8]) {
        let entry = table[index + 1]
        let line = table.line(of: entry)
        let name = Int(entry.nameCount)
        return (Array(line[..<name]), Array(line[(name + 2)..<(name + 2 + Int(entry.valueCount))]))
    }

    /// Decodes a complete field block into `fields`.
    package mutating func decode(_ block: RawSpan, into fields: inout FieldList) throws(HTTP2Fault) {
        fields.removeAll()
        var offset = 0
        let end = block.byteCount
        if offset < end, block.byte(at: 0) & 0xE0 == 0x20 || owesSizeUpdate {
            try takeSizeUpdates(block, at: &offset)
        }
        while offset < end {
            let first = block.byte(at: offset)
            if first >= 0x80 {
                let index = try HPACKInteger.decode(block, at: &offset, prefix: 7)
                try takeIndexed(index, into: &fields)
            } else if first >= 0x40 {
                let index = try HPACKInteger.decode(block, at: &offset, prefix: 6)
                try takeLiteral(block, at: &offset, name: index, .indexed, into: &fields)
            } else if first >= 0x20 {
                throw .misplacedSizeUpdate
            } else {
                let index = try HPACKInteger.decode(block, at: &offset, prefix: 4)
                try takeLiteral(block, at: &offset, name: index, first >= 0x10 ? .never : .plain, into: &fields)
            }
        }
    }

    /// How a literal is indexed: added to the table, not added, or never added by any intermediary (RFC 7541 §6.2).
    private enum Indexing { case indexed, plain, never }

    /// Processes the size updates before the first field (RFC 7541 §4.2).
    @inline(never)
    private mutating func takeSizeUpdates(_ block: RawSpan, at offset: inout Int) throws(HTTP2Fault) {
        while offset < block.byteCount, block.byte(at: offset) & 0xE0 == 0x20 {
            let size = try HPACKInteger.decode(block, at: &offset, prefix: 5)
            guard size <= allowedSize else { throw .sizeUpdateTooLarge }
            table.resize(to: size)
            owesSizeUpdate = false
        }
        if owesSizeUpdate { throw .missingSizeUpdate }
    }

    /// Processes a field of which both name and value are in a table (§6.1).
    @inline(__always)
    private func takeIndexed(_ index: Int, into fields: inout FieldList) throws(HTTP2Fault) {
        guard index > 0 else { throw .invalidIndex }
        if index <= StaticTable.count {
            guard fields.chargeField() else { return }
            let entry = StaticTable.entries[index - 1]
            let (name, value) = (Int(entry.nameCount), Int(entry.valueCount))
            guard fields.charge(name + value) else { return }
            fields.copy(StaticTable.line(of: entry))
            fields.append(
                nameCount: name, valueCount: value, meaning: entry.name, nameFault: .none, valueFault: .none,
                isNeverIndexed: false)
            return
        }
        guard index - StaticTable.count <= table.count else { throw .invalidIndex }
        guard fields.chargeField() else { return }
        let entry = table[index - StaticTable.count]
        let (name, value) = (Int(entry.nameCount), Int(entry.valueCount))
        guard fields.charge(name + value) else { return }
        fields.copy(table.line(of: entry))
        fields.append(
            nameCount: name, valueCount: value, meaning: entry.name, nameFault: entry.nameFault,
            valueFault: entry.valueFault, isNeverIndexed: false)
    }

    /// The name of a literal, either a reference or contained in it.
    private struct LiteralName {
        var count: Int
        var meaning: FieldName
        var fault: FieldFault
    }

    /// Processes a literal field (§6.2). One that does not fit in any space is skipped.
    @inline(never)
    private mutating func takeLiteral(
        _ block: RawSpan, at offset: inout Int, name index: Int, _ indexing: Indexing, into fields: inout FieldList
    ) throws(HTTP2Fault) {
        _ = fields.chargeField()
        let room = fields.room
        let lineRoom = room.count - FieldList.lineOverhead
        let name =
            try index > 0
            ? knownName(index, into: room)
            : literalName(block, at: &offset, into: room[..<lineRoom])
        guard let name else {
            try Self.skipString(block, at: &offset)
            return dropOversized(indexing, from: &fields)
        }
        let valueStart = name.count + 2
        let value = try Self.string(
            block, at: &offset,
            into: room[min(valueStart, lineRoom)..<(room.count - 2)])
        guard let value else { return dropOversized(indexing, from: &fields) }
        room.store(0x203A as UInt16, at: name.count)
        room.store(ASCII.lineEnd, at: valueStart + value)
        let line = fields.written(valueStart + value + 2)
        let fault = FieldFault.inValue(line.bytes, from: valueStart, to: valueStart + value)
        if indexing == .indexed { add(line, name, valueCount: value, fault) }
        guard fields.charge(name.count + value) else { return }
        fields.append(
            nameCount: name.count, valueCount: value, meaning: name.meaning, nameFault: name.fault, valueFault: fault,
            isNeverIndexed: indexing == .never)
    }

    /// A field longer than all the space is also longer than the table, which it empties (§4.4).
    private mutating func dropOversized(_ indexing: Indexing, from fields: inout FieldList) {
        if indexing == .indexed { table.evict(to: 0) }
        _ = fields.charge(fields.limits.maximumHead + 1)
    }

    private mutating func add(
        _ line: ByteView, _ name: LiteralName, valueCount: Int, _ fault: FieldFault
    ) {
        let size = name.count + valueCount + DynamicTable.entryOverhead
        if size <= table.maximumSize {
            table.evict(to: table.maximumSize - size)
            table.room(for: line.count).copyShort(line)
        }
        table.add(
            nameCount: name.count, valueCount: valueCount, name: name.meaning, nameFault: name.fault,
            valueFault: fault)
    }

    /// Copies the name of an entry to `room`.
    @inline(__always)
    private func knownName(
        _ index: Int, into room: MutableByteView
    ) throws(HTTP2Fault) -> LiteralName? {
        if index <= StaticTable.count {
            let entry = StaticTable.entries[index - 1]
            let line = StaticTable.line(of: entry)
            room.copyShort(line[..<Int(entry.nameCount)])
            return LiteralName(count: Int(entry.nameCount), meaning: entry.name, fault: .none)
        }
        guard index - StaticTable.count <= table.count else { throw .invalidIndex }
        let entry = table[index - StaticTable.count]
        let line = table.line(of: entry)
        precondition(Int(entry.nameCount) + FieldList.lineOverhead <= room.count)
        room.copyShort(line[..<Int(entry.nameCount)])
        return LiteralName(count: Int(entry.nameCount), meaning: entry.name, fault: entry.nameFault)
    }

    /// Decodes a name into `room`; nil if it does not fit.
    @inline(__always)
    private func literalName(
        _ block: RawSpan, at offset: inout Int, into room: MutableByteView
    ) throws(HTTP2Fault) -> LiteralName? {
        guard let count = try Self.string(block, at: &offset, into: room) else { return nil }
        let bytes = ByteView(room)[..<count].bytes
        return LiteralName(
            count: count, meaning: FieldName(bytes, from: 0, to: count),
            fault: FieldFault.inName(bytes, from: 0, to: count))
    }

    /// Decodes a string (§5.2) into `room` and returns its length; nil if it does not fit.
    @inline(__always)
    private static func string(
        _ block: RawSpan, at offset: inout Int, into room: MutableByteView
    ) throws(HTTP2Fault) -> Int? {
        let (start, end, isCoded) = try stringBounds(block, at: &offset)
        if isCoded { return try HuffmanCoding.decode(block, from: start, to: end, into: room) }
        let count = end - start
        guard count <= room.count else { return nil }
        block.withBytes { room.copyShort($0[start..<end]) }
        return count
    }

    @inline(__always)
    private static func stringBounds(
        _ block: RawSpan, at offset: inout Int
    ) throws(HTTP2Fault) -> (start: Int, end: Int, isCoded: Bool) {
        guard offset < block.byteCount else { throw .truncatedFieldBlock }
        let isCoded = block.byte(at: offset) >= 0x80
        let count = try HPACKInteger.decode(block, at: &offset, prefix: 7)
        guard count <= block.byteCount - offset else { throw .truncatedFieldBlock }
        let start = offset
        offset += count
        return (start, offset, isCoded)
    }

    private static func skipString(_ block: RawSpan, at offset: inout Int) throws(HTTP2Fault) {
        _ = try stringBounds(block, at: &offset)
    }
}
