import COpenSSL
import Memory

extension BIO {
    /// A buffer in memory, to be written and then read; nil when OpenSSL cannot allocate it.
    static func buffer() -> BIO? { BIO_new(BIO_s_mem()) }

    /// The number of bytes taken.
    func write(_ bytes: ByteView) -> Int {
        unsafe Int(BIO_write(self, bytes.baseAddress, Int32(clamping: bytes.count)))
    }

    /// The number of bytes read; 0 or less when there are none.
    func read(into buffer: MutableByteView) -> Int {
        unsafe Int(BIO_read(self, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    /// What a function of OpenSSL writes; empty when OpenSSL cannot allocate a buffer.
    static func bytes<Result>(_ write: (BIO) -> Result) -> [UInt8] {
        guard let buffer = buffer() else { return [] }
        _ = write(buffer)
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(buffer))
        let count = bytes.withMutableBytes { buffer.read(into: $0) }
        return Array(bytes.prefix(max(0, count)))
    }

    /// Text that a function of OpenSSL prints.
    static func text(_ print: (BIO) -> Void) -> String { String(decoding: bytes(print), as: UTF8.self) }

    /// Calls `body` with a BIO that reads `bytes`, and must not be kept; nil when OpenSSL cannot allocate it.
    static func reading<Value>(_ bytes: ByteView, _ body: (BIO) -> Value?) -> Value? {
        guard let source = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
        return body(source)
    }
}
