import Glibc
import Transport

/// The contents of an ELF file, read without loading it (System V ABI, chapters 4 and 5). Every offset is checked.
package struct SharedObject: Equatable, Sendable {
    package enum Failure: Error, Equatable {
        /// It has the header of a Windows program or library.
        case isWindowsBinary
        case isNotELF
        case isNot64Bit
        /// An executable, an object file, a core: anything but a shared object.
        case isNotShared
        /// The file ends before, or points outside of itself for, required data.
        case isDamaged
        /// The file cannot be read, with the reason.
        case unreadable(String)
    }

    /// Larger files are not libraries that can be loaded.
    private static let maximumBytes = 1 << 30

    /// e_machine: 62 for x86-64, 183 for 64-bit ARM.
    package let machine: UInt16
    /// Symbols that other libraries can use, in the file's order.
    package private(set) var exports: [String] = []
    /// Symbols that have to be found elsewhere for the library to load.
    package private(set) var imports: [String] = []

    package var architecture: String {
        switch machine {
        case 3: "x86"
        case 40: "ARM"
        case 62: "x86-64"
        case 183: "aarch64"
        case 243: "RISC-V"
        default: "machine \(machine)"
        }
    }

    /// e_machine of this process.
    package static var ownMachine: UInt16 {
        #if arch(arm64)
            183
        #else
            62
        #endif
    }

    package init(_ bytes: [UInt8]) throws(Failure) {
        if bytes.starts(with: [0x4D, 0x5A]) { throw .isWindowsBinary }
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .isNotELF }
        let file = Bytes(bytes)
        guard try file.number(at: 4, size: 1) == 2, try file.number(at: 5, size: 1) == 1 else { throw .isNot64Bit }
        guard try file.number(at: 16, size: 2) == 3 else { throw .isNotShared }
        machine = UInt16(try file.number(at: 18, size: 2))
        let sections = try Self.sections(of: file)
        guard let symbols = sections.first(where: { $0.type == Section.dynamicSymbols }) else { return }
        guard symbols.link < sections.count else { throw .isDamaged }
        try sort(symbols, names: sections[symbols.link], of: file)
    }

    /// Reads the file at `path`.
    package init(file path: String) throws(Failure) {
        let descriptor = Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
        guard descriptor.isOpen else { throw .unreadable(systemText(errno)) }
        guard let status = SystemCalls.status(of: descriptor.number), status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable("it is not a file")
        }
        guard status.st_size <= Self.maximumBytes else { throw .unreadable("it is longer than 1 GiB") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var length = 0
        while length < bytes.count {
            let number = descriptor.number
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress! + length, buffer.count - length)
            }
            guard count > 0 else { break }
            length += count
        }
        bytes.removeLast(bytes.count - length)
        try self.init(bytes)
    }

    private struct Section {
        /// SHT_DYNSYM
        static let dynamicSymbols = 11
        let type: Int
        let offset: Int
        let size: Int
        let link: Int
    }

    private static func sections(of file: Bytes) throws(Failure) -> [Section] {
        let start = try file.number(at: 40, size: 8)
        let size = try file.number(at: 58, size: 2)
        let count = try file.number(at: 60, size: 2)
        guard size == 64 else { throw .isDamaged }
        var sections: [Section] = []
        for index in 0..<count {
            let (at, overflows) = start.addingReportingOverflow(index * size)
            guard !overflows else { throw .isDamaged }
            sections.append(
                Section(
                    type: try file.number(at: at + 4, size: 4), offset: try file.number(at: at + 24, size: 8),
                    size: try file.number(at: at + 32, size: 8), link: try file.number(at: at + 40, size: 4)))
        }
        return sections
    }

    /// Sorts the symbols of a table into exports and imports; undefined weak symbols may be missing.
    private mutating func sort(_ symbols: Section, names: Section, of file: Bytes) throws(Failure) {
        guard symbols.size <= file.count, names.offset <= file.count else { throw .isDamaged }
        for index in 1..<max(1, symbols.size / 24) {
            let (at, overflows) = symbols.offset.addingReportingOverflow(index * 24)
            guard !overflows else { throw .isDamaged }
            let name = try file.text(at: names.offset, plus: file.number(at: at, size: 4))
            let information = try file.number(at: at + 4, size: 1)
            let visibility = try file.number(at: at + 5, size: 1) & 3
            let isDefined = try file.number(at: at + 6, size: 2) != 0
            let isWeak = information >> 4 == 2
            if isDefined, visibility == 0 || visibility == 3 {
                exports.append(name)
            } else if !isDefined, !isWeak, !name.isEmpty {
                imports.append(name)
            }
        }
    }

    /// Little-endian numbers and texts of a file.
    private struct Bytes {
        private let bytes: [UInt8]
        var count: Int { bytes.count }

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func number(at offset: Int, size: Int) throws(Failure) -> Int {
            guard offset >= 0, offset <= bytes.count, bytes.count - offset >= size else { throw .isDamaged }
            var value: UInt64 = 0
            for index in 0..<size { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
            guard let number = Int(exactly: value) else { throw .isDamaged }
            return number
        }

        func text(at start: Int, plus offset: Int) throws(Failure) -> String {
            let (begin, overflows) = start.addingReportingOverflow(offset)
            guard !overflows, begin < bytes.count, let end = bytes[begin...].firstIndex(of: 0) else { throw .isDamaged }
            return String(decoding: bytes[begin..<end], as: UTF8.self)
        }
    }
}
