import CISAPI
import Glibc
import Memory

/// Memory of an extension that a call names by its address, which may be NULL.
///
/// The contract states how much of it a call reads and writes; that this much exists is the extension's promise, which
/// nothing can check. Whatever is read and written here is that much and no more, and nothing for NULL. Addresses need
/// no alignment.
@safe
struct ExtensionMemory: BitwiseCopyable {
    let address: UnsafeMutableRawPointer?

    @inline(__always)
    init(_ address: UnsafeRawPointer?) { unsafe self.address = UnsafeMutableRawPointer(mutating: address) }

    var isNull: Bool {
        @inline(__always) get { unsafe address == nil }
    }

    // MARK: Values

    /// A copy of the value; nil for NULL.
    @inline(__always)
    func load<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? { unsafe address?.loadUnaligned(as: type) }

    /// False for NULL.
    @discardableResult @inline(__always)
    func store<Value: BitwiseCopyable>(_ value: Value) -> Bool {
        unsafe address?.storeBytes(of: value, as: Value.self) != nil
    }

    // MARK: Bytes

    /// The first `count` bytes, to be read; nil for NULL, unless there are to be none.
    @inline(__always)
    func bytes(_ count: Int) -> ByteView? {
        unsafe isNull && count > 0 ? nil : ByteView(start: address, count: count)
    }

    /// The first `count` bytes, to be written; nil for NULL, unless there are to be none.
    @inline(__always)
    func room(_ count: Int) -> MutableByteView? {
        unsafe isNull && count > 0 ? nil : MutableByteView(start: address, count: count)
    }

    // MARK: Texts

    /// The bytes of a text that ends with a NUL; none for NULL.
    @inline(__always)
    var text: ByteView { text(0) }

    /// The bytes of a text with a length: 0 means up to the NUL, and NULs that are counted at its end are removed.
    func text(_ count: DWORD) -> ByteView {
        guard let start = unsafe address else { return ByteView() }
        if count == 0 { return unsafe ByteView(start: start, count: strlen(start)) }
        return unsafe ByteView(start: start, count: Int(count)).withoutTrailingNULs
    }

    /// The bytes of a text that ends with a NUL or after `limit` bytes; none for NULL.
    func text(within limit: Int) -> ByteView {
        guard let start = unsafe address else { return ByteView() }
        return unsafe ByteView(start: start, count: strnlen(start, limit))
    }

    /// The units of a text in UTF-16 that ends with a NUL or after `limit` units; none for NULL.
    func wideText(within limit: Int = .max) -> [UInt16] {
        var units: [UInt16] = []
        while units.count < limit, let start = unsafe address {
            let unit = unsafe start.loadUnaligned(fromByteOffset: units.count * 2, as: UInt16.self)
            if unit == 0 { break }
            units.append(unit)
        }
        return units
    }
}

extension ByteView {
    var withoutTrailingNULs: ByteView {
        var end = count
        while end > 0, self[end - 1] == 0 { end -= 1 }
        return self[..<end]
    }
}

/// A buffer of the extension and the variable with its size, which receives the size of the value.
struct ExtensionBuffer {
    let memory: ExtensionMemory
    let size: ExtensionMemory

    /// Copies `value` to the buffer and stores its size; if the buffer is too small, only the size.
    func receive(_ value: ByteView) -> CallFailure? {
        guard let capacity = size.load(DWORD.self), let room = memory.room(Int(capacity)) else {
            return .invalidParameter
        }
        size.store(DWORD(value.count))
        guard !memory.isNull, room.count >= value.count else { return .insufficientBuffer }
        room.copy(value)
        return nil
    }
}
