import COpenSSL
import Glibc
import Memory
import Transport

/// OpenSSL's access to the socket: a BIO whose source and sink is a `RecordChannel`.
///
/// Reading uses the endpoint, which knows without a system call when the socket is empty. Writing never blocks: the
/// stream buffers what the socket does not accept, so OpenSSL never has a record of its own to retry.
enum SocketBIO {
    static func make(for channel: RecordChannel) -> BIO {
        let bio = BIO_new(method.object)!
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(channel).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// The channel of a session; nil for one without, such as a trial of a certificate.
    static func channel(of session: SSL) -> RecordChannel? {
        // During its handshake a session writes to a buffer in front of the BIO, but reads from the BIO itself.
        guard let bio = SSL_get_rbio(session), BIO_method_type(bio) == method.type else { return nil }
        return channel(bio).value
    }

    private static let method = Method()

    /// The function table shared by all channels; lives as long as the process.
    private struct Method: Sendable {
        let object: BIO_METHOD
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK

        init() {
            object = COpenSSL_BIO_METHOD_new(type)!
            unsafe BIO_meth_set_read(object, readCallback)
            unsafe BIO_meth_set_write(object, writeCallback)
            unsafe BIO_meth_set_ctrl(object, controlCallback)
        }
    }

    private static let readCallback: @convention(c) (BIO?, UnsafeMutablePointer<CChar>?, Int32) -> Int32 = {
        bio, bytes, count in
        COpenSSL_BIO_clear_retry_flags(bio)
        let buffer = unsafe MutableByteView(start: bytes, count: Int(count))
        switch channel(bio).with({ $0.receiveRecords(into: buffer) }) {
        case .bytes(let count): return Int32(truncatingIfNeeded: count)
        case .wouldBlock:
            COpenSSL_BIO_set_retry_read(bio)
            return -1
        case .end: return 0
        case .failed: return -1
        }
    }

    private static let writeCallback: @convention(c) (BIO?, UnsafePointer<CChar>?, Int32) -> Int32 = {
        bio, bytes, count in
        COpenSSL_BIO_clear_retry_flags(bio)
        let record = unsafe ByteView(start: bytes, count: Int(count))
        return channel(bio).with { $0.sendRecords(record) } ? count : -1
    }

    private static let controlCallback: @convention(c) (BIO?, Int32, Int, UnsafeMutableRawPointer?) -> Int = {
        bio, command, _, _ in
        switch command {
        case COpenSSL_BIO_CTRL_FLUSH: 1
        case COpenSSL_BIO_CTRL_EOF: channel(bio).with { $0.sawEnd } ? 1 : 0
        default: 0
        }
    }

    @inline(__always)
    private static func channel(_ bio: BIO?) -> Unretained<RecordChannel> {
        unsafe Unretained(uncheckedAt: BIO_get_data(bio))
    }
}
