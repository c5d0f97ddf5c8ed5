import CISAPI
import CPoolProtocol
import Glibc
import Memory
import Transport

/// A call of ServerSupportFunction by an isolated extension: rebuilds the arguments from the message, performs the call
/// as one of this process, and answers with what it has stored.
struct IsolatedSupportCall {
    let calls: IsolatedCalls
    var message: HostMessage
    private var facts = pool_support()
    private var number: Int32 { Int32(bitPattern: message.header.value) }

    init(calls: IsolatedCalls, message: HostMessage) {
        self.calls = calls
        self.message = message
    }

    /// Bytes of the largest value that a request stores: the path of MAP_UNICODE_URL_TO_PATH.
    private static let storedLimit = 64 << 10

    mutating func perform() throws(HostFailure) {
        facts = try message.structure(pool_support.self)
        calls.channel.scratch.removeAll(keepingUpTo: Self.storedLimit)
        let error: UInt32
        switch number {
        case HSE_REQ_DONE_WITH_SESSION: error = try done()
        case HSE_REQ_SEND_RESPONSE_HEADER: error = try sendResponseHeader()
        case HSE_REQ_SEND_RESPONSE_HEADER_EX: error = try sendResponseHeaderEx()
        case HSE_REQ_SEND_URL_REDIRECT_RESP, HSE_REQ_SEND_URL, HSE_APPEND_LOG_PARAMETER, HSE_REQ_REPORT_UNHEALTHY:
            error = try withText()
        case HSE_REQ_MAP_URL_TO_PATH, HSE_REQ_MAP_UNICODE_URL_TO_PATH: error = try mapInPlace()
        case HSE_REQ_MAP_URL_TO_PATH_EX: error = try mapToStructure(HSE_URL_MAPEX_INFO())
        case HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX: error = try mapToStructure(HSE_UNICODE_URL_MAPEX_INFO())
        case HSE_REQ_NORMALIZE_URL: error = try normalize()
        case HSE_REQ_IO_COMPLETION: error = try setCompletion()
        case HSE_REQ_ASYNC_READ_CLIENT: error = try asyncRead()
        case HSE_REQ_TRANSMIT_FILE: error = try transmitFile()
        case HSE_REQ_VECTOR_SEND: error = try vectorSend()
        case HSE_REQ_EXEC_URL, HSE_REQ_EXEC_UNICODE_URL: error = try executeURL()
        case HSE_REQ_SEND_CUSTOM_ERROR: error = try sendCustomError()
        case HSE_REQ_GET_CERT_INFO_EX: error = try getCertificate()
        case HSE_REQ_GET_CHANNEL_BINDING_TOKEN: error = try getChannelBinding()
        case HSE_REQ_IS_IN_PROCESS: error = try storeFrom(DWORD.self)
        case HSE_REQ_IS_KEEP_CONN, HSE_REQ_IS_CONNECTED: error = try storeFrom(BOOL.self)
        case HSE_REQ_GET_EXEC_URL_STATUS: error = try storeFrom(HSE_EXEC_URL_STATUS.self)
        case HSE_REQ_GET_TRACE_INFO, HSE_REQ_GET_TRACE_INFO_EX: error = try storeFrom(HSE_TRACE_INFO.self)
        // Those that store nothing and read nothing: whether an argument is NULL is all that matters.
        default: error = try call(buffer: place(POOL_HAS_BUFFER), size: nil, type: nil)
        }
        guard message.needsReply else { return }
        calls.beginReply(message, error)
        calls.channel.appendItem(structure: facts)
        calls.channel.appendItem(calls.channel.scratch.bytes)
        try calls.channel.send()
    }

    // MARK: Calls

    /// The address of a value of this process, valid in the call that it is passed to.
    @safe
    private struct Address: BitwiseCopyable {
        let pointer: UnsafeMutableRawPointer

        var text: UnsafeMutablePointer<CChar> { unsafe pointer.assumingMemoryBound(to: CChar.self) }
    }

    /// Any address, if the argument with this bit is not NULL.
    private func place(_ bit: Int32) -> Address? {
        guard has(bit), let pointer = unsafe UnsafeMutableRawPointer(bitPattern: Self.anyAddress) else { return nil }
        return unsafe Address(pointer: pointer)
    }

    private func has(_ bit: Int32) -> Bool { facts.present & UInt32(bit) != 0 }

    private static let anyAddress: UInt = 1 << 12

    private func call(buffer: Address?, size: Address?, type: Address?) throws(HostFailure) -> UInt32 {
        let request = message.header.value
        return try calls.withSession(of: message, .serverSupportFunction(request)) {
            session, caller throws(HostFailure) in
            let call = unsafe SupportCall(
                session: session, caller: caller, buffer: buffer?.pointer,
                size: size?.pointer.assumingMemoryBound(to: DWORD.self),
                type: type?.pointer.assumingMemoryBound(to: DWORD.self))
            let failure = call.perform(request)
            // The memory of the message is used for the next one.
            if failure == nil { session.copyTransfer() }
            return failure
        }
    }

    /// Performs a call that stores a value of this type at lpvBuffer.
    private func storeFrom<Value: BitwiseCopyable>(_ type: Value.Type) throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        let size = MemoryLayout<Value>.size
        let room = calls.channel.scratch.reserve(size)[..<size]
        room.fill(with: 0)
        let error = unsafe try call(buffer: room.baseAddress.map { unsafe Address(pointer: $0) }, size: nil, type: nil)
        if error == 0 { calls.channel.scratch.commit(size) }
        return error
    }

    /// The next item as a text that ends with a NUL; nil for NULL.
    private mutating func text() throws(HostFailure) -> [UInt8]? {
        guard let bytes = try message.item() else { return nil }
        return Array(bytes) + [0]
    }

    // MARK: The end

    private mutating func done() throws(HostFailure) -> UInt32 {
        let status = try message.word()
        guard let log = try message.item() else { throw .violation }
        var value = has(POOL_HAS_BUFFER) ? try message.word() : 0
        let request = message.header.value
        let hasValue = has(POOL_HAS_BUFFER)
        return try calls.withSession(of: message, .serverSupportFunction(request)) {
            session, caller throws(HostFailure) in
            session.noteLog(status: status, log, by: caller)
            return unsafe withUnsafeMutableBytes(of: &value) { value in
                let buffer = hasValue ? value.baseAddress : nil
                let call = unsafe SupportCall(session: session, caller: caller, buffer: buffer, size: nil, type: nil)
                return call.perform(request)
            }
        }
    }

    // MARK: The response

    private mutating func sendResponseHeader() throws(HostFailure) -> UInt32 {
        var (status, block) = (try text(), try text())
        return try Self.withPointer(&status) { status throws(HostFailure) in
            try Self.withPointer(&block) { block throws(HostFailure) in
                try call(
                    buffer: status, size: nil, type: block)
            }
        }
    }

    private mutating func sendResponseHeaderEx() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        var (status, block) = (try text(), try text())
        let (statusCount, blockCount, keeps) = (try message.word(), try message.word(), try message.word())
        // A given length is the length of the item; of NULL it is refused.
        guard statusCount == 0 || status == nil || Int(statusCount) == status!.count - 1,
            blockCount == 0 || block == nil || Int(blockCount) == block!.count - 1
        else { throw .violation }
        return try Self.withPointer(&status) { status throws(HostFailure) in
            try Self.withPointer(&block) { block throws(HostFailure) in
                var information = unsafe HSE_SEND_HEADER_EX_INFO(
                    pszStatus: status?.text,
                    pszHeader: block?.text, cchStatus: statusCount,
                    cchHeader: blockCount, fKeepConn: BOOL(keeps))
                return unsafe try Self.withPointer(to: &information) { information throws(HostFailure) in
                    try call(buffer: information, size: nil, type: nil)
                }
            }
        }
    }

    /// Those that read a text at lpvBuffer, of the length *lpdwSize where there is one.
    private mutating func withText() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        var text = try text()
        // Its length was taken into account before.
        var size = has(POOL_HAS_SIZE) && facts.size != 0 ? DWORD((text?.count ?? 1) - 1) : 0
        let hasSize = has(POOL_HAS_SIZE)
        return try Self.withPointer(&text) { text throws(HostFailure) in
            try Self.withPointer(to: &size) { size throws(HostFailure) in
                try call(
                    buffer: text, size: hasSize ? size : nil, type: nil)
            }
        }
    }

    private mutating func sendCustomError() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        var status = try text()
        let (substatus, isAsync) = (try message.word(), try message.word())
        return try Self.withPointer(&status) { status throws(HostFailure) in
            var information = unsafe HSE_CUSTOM_ERROR_INFO(
                pszStatus: status?.text, uHttpSubError: USHORT(clamping: substatus),
                fAsync: BOOL(isAsync))
            return unsafe try Self.withPointer(to: &information) { information throws(HostFailure) in
                try call(buffer: information, size: nil, type: nil)
            }
        }
    }

    // MARK: URLs

    /// The URL at lpvBuffer is replaced by its path, as far as *lpdwSize allows.
    private mutating func mapInPlace() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER), has(POOL_HAS_SIZE) else {
            return try call(buffer: place(POOL_HAS_BUFFER), size: nil, type: nil)
        }
        guard let url = try message.item(), url.count <= Int(facts.size) else { throw .violation }
        // A path is never longer; what the extension has beyond it stays as it is.
        let room = min(Int(facts.size), max(Self.storedLimit, url.count))
        var buffer = [UInt8](repeating: 0, count: room + 2)
        buffer.withMutableBytes { $0.copy(url) }
        var size = DWORD(room)
        let error = try Self.withPointer(&buffer) { buffer throws(HostFailure) in
            try Self.withPointer(to: &size) { size throws(HostFailure) in
                try call(buffer: buffer, size: size, type: nil)
            }
        }
        facts.size = size
        guard error == 0, Int(size) <= room else { return error }
        buffer.withBytes { calls.channel.scratch.append($0[..<Int(size)]) }
        return error
    }

    /// The path of the URL at lpvBuffer is stored in a structure at lpdwDataType.
    private mutating func mapToStructure<Value: BitwiseCopyable>(_ empty: Value) throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER), has(POOL_HAS_TYPE) else {
            return try call(buffer: place(POOL_HAS_BUFFER), size: nil, type: nil)
        }
        guard let bytes = try message.item() else { throw .violation }
        var url = Array(bytes) + [0, 0]
        var result = empty
        let error = try Self.withPointer(&url) { url throws(HostFailure) in
            try Self.withPointer(to: &result) { result throws(HostFailure) in
                try call(buffer: url, size: nil, type: result)
            }
        }
        if error == 0 { BytesOfValues.with(result) { calls.channel.scratch.append($0) } }
        return error
    }

    private mutating func normalize() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        guard var url = try text() else { throw .violation }
        let limit = url.count
        let error = try Self.withPointer(&url) { url throws(HostFailure) in
            try call(buffer: url, size: nil, type: nil)
        }
        guard error == 0 else { return error }
        let length = url.firstIndex(of: 0) ?? limit - 1
        url.withBytes { calls.channel.scratch.append($0[..<(length + 1)]) }
        return error
    }

    private mutating func executeURL() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        let child = try message.structure(pool_child.self)
        guard let urlBytes = try Optional(message.item()) else { throw .violation }
        var url = urlBytes.map { Array($0) + [0, 0] }
        var (method, headers) = (try text(), try text())
        let data = try message.item()
        guard child.has_data == 0 || (data?.count ?? 0) == Int(child.available) else { throw .violation }
        return try Self.withPointer(&url) { url throws(HostFailure) in
            try Self.withPointer(&method) { method throws(HostFailure) in
                try Self.withPointer(&headers) { headers throws(HostFailure) in
                    var entity = unsafe HSE_EXEC_URL_ENTITY_INFO(
                        cbAvailable: child.available,
                        lpbData: child.has_data == 0 ? nil : UnsafeMutableRawPointer(mutating: data?.baseAddress))
                    return unsafe try Self.withPointer(to: &entity) { entity throws(HostFailure) in
                        let entity = unsafe entity.pointer.assumingMemoryBound(to: HSE_EXEC_URL_ENTITY_INFO.self)
                        // Both structures have the same members, of which only the type of the URL differs.
                        var information = unsafe HSE_EXEC_URL_INFO(
                            pszUrl: url?.text,
                            pszMethod: method?.text,
                            pszChildHeaders: headers?.text, pUserInfo: nil,
                            pEntity: child.has_entity == 0 ? nil : entity, dwExecUrlFlags: child.flags)
                        return unsafe try Self.withPointer(to: &information) { information throws(HostFailure) in
                            try call(buffer: information, size: nil, type: nil)
                        }
                    }
                }
            }
        }
    }

    // MARK: Operations

    /// The completion function of operations of isolated extensions, which is never called: the context is the process's
    /// name for the function that it calls.
    private static let completion: PFN_HSE_IO_COMPLETION = { _, _, _, _ in }

    private func setCompletion() throws(HostFailure) -> UInt32 {
        let function = unsafe Address(pointer: unsafeBitCast(Self.completion, to: UnsafeMutableRawPointer.self))
        let context = unsafe UnsafeMutableRawPointer(bitPattern: UInt(facts.token)).map { unsafe Address(pointer: $0) }
        return try call(buffer: has(POOL_HAS_BUFFER) ? function : nil, size: nil, type: context)
    }

    private func asyncRead() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER), has(POOL_HAS_SIZE), has(POOL_HAS_TYPE), facts.size > 0,
            Int32(bitPattern: facts.type) == HSE_IO_ASYNC
        else { return try call(buffer: nil, size: nil, type: nil) }
        let read = IsolatedRead(count: min(Int(facts.size), Int(POOL_READ_SIZE)), target: facts.token)
        return try calls.withSession(of: message, .serverSupportFunction(message.header.value)) {
            session, caller throws(HostFailure) in
            session.beginRead(read, by: caller)
        }
    }

    private mutating func transmitFile() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        let transmit = try message.structure(pool_transmit.self)
        var status = try text()
        let (head, tail) = (try message.item(), try message.item())
        let (headLength, tailLength) = (try message.word(), try message.word())
        guard head == nil || head!.count == Int(headLength), tail == nil || tail!.count == Int(tailLength)
        else { throw .violation }
        let file = transmit.has_file == 1 ? try message.file() : nil
        return try Self.withPointer(&status) { status throws(HostFailure) in
            var information = unsafe HSE_TF_INFO()
            unsafe information.pfnHseIO = transmit.target == 0 ? nil : Self.completion
            unsafe information.pContext = UnsafeMutableRawPointer(bitPattern: UInt(transmit.target))
            unsafe information.hFile = Self.handle(file, transmit.has_file)
            unsafe information.pszStatusCode = UnsafePointer(status?.text)
            unsafe information.BytesToWrite = transmit.bytes_to_write
            unsafe information.Offset = transmit.offset
            unsafe information.pHead = Self.address(of: head)
            unsafe information.HeadLength = headLength
            unsafe information.pTail = Self.address(of: tail)
            unsafe information.TailLength = tailLength
            unsafe information.dwFlags = transmit.flags
            defer { withExtendedLifetime(file) {} }
            return unsafe try Self.withPointer(to: &information) { information throws(HostFailure) in
                try call(buffer: information, size: nil, type: nil)
            }
        }
    }

    private mutating func vectorSend() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        let vector = try message.structure(pool_vector.self)
        var (status, headers) = (try text(), try text())
        let isReadable = try message.word() != 0
        var elements: [HSE_VECTOR_ELEMENT] = unsafe []
        var files: [OpenFile] = []
        if isReadable {
            guard vector.count <= 65_536 else { throw .violation }
            for _ in 0..<vector.count { unsafe elements.append(try element(&files)) }
        }
        return try Self.withPointer(&status) { status throws(HostFailure) in
            try Self.withPointer(&headers) { headers throws(HostFailure) in
                var failure = HostFailure?.none
                let error: UInt32 = unsafe elements.withUnsafeMutableBufferPointer { elements in
                    var information = unsafe HSE_RESPONSE_VECTOR()
                    unsafe information.dwFlags = vector.flags
                    unsafe information.pszStatus = status?.text
                    unsafe information.pszHeaders = headers?.text
                    unsafe information.nElementCount = vector.count
                    unsafe information.lpElementArray = isReadable && !elements.isEmpty ? elements.baseAddress : nil
                    do throws(HostFailure) {
                        return unsafe try Self.withPointer(to: &information) { information throws(HostFailure) in
                            try call(buffer: information, size: nil, type: nil)
                        }
                    } catch {
                        failure = error
                        return 0
                    }
                }
                withExtendedLifetime(files) {}
                if let failure { throw failure }
                return error
            }
        }
    }

    private mutating func element(_ files: inout [OpenFile]) throws(HostFailure) -> HSE_VECTOR_ELEMENT {
        let given = try message.structure(pool_element.self)
        var element = unsafe HSE_VECTOR_ELEMENT()
        unsafe element.ElementType = given.type
        unsafe element.cbOffset = given.offset
        unsafe element.cbSize = given.size
        switch Int32(bitPattern: given.type) {
        case HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER where given.has_content != 0:
            guard let bytes = try message.item(), UInt64(bytes.count) == given.size else { throw .violation }
            unsafe element.pvContext = Self.address(of: bytes)
        case HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE:
            let file = given.has_content == 1 ? try message.file() : nil
            if let file { files.append(file) }
            unsafe element.pvContext = Self.handle(file, given.has_content)
        default: break
        }
        return unsafe element
    }

    /// A handle of the file, an invalid one, or NULL.
    private static func handle(_ file: OpenFile?, _ kind: UInt32) -> HANDLE? {
        guard kind != 0 else { return nil }
        return unsafe HANDLE(bitPattern: file.map { UInt($0.number) } ?? UInt.max)
    }

    /// The address of bytes of the message; one that is not NULL if there are none.
    private static func address(of bytes: ByteView?) -> UnsafeMutableRawPointer? {
        guard let bytes = bytes else { return nil }
        return unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            ?? UnsafeMutableRawPointer(bitPattern: anyAddress)
    }

    // MARK: TLS

    private mutating func getCertificate() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_BUFFER) else { return try call(buffer: nil, size: nil, type: nil) }
        let room = min(Int(try message.word()), Self.storedLimit)
        var encoded = [UInt8](repeating: 0, count: room + 1)
        var context = unsafe CERT_CONTEXT_EX()
        unsafe context.cbAllocated = DWORD(room)
        let error = try Self.withPointer(&encoded) { encoded throws(HostFailure) in
            unsafe context.CertContext.pbCertEncoded = encoded.pointer.assumingMemoryBound(to: BYTE.self)
            return unsafe try Self.withPointer(to: &context) { context throws(HostFailure) in
                try call(buffer: context, size: nil, type: nil)
            }
        }
        guard error == 0 || error == CallFailure.insufficientBuffer.rawValue else { return error }
        facts.size = unsafe context.CertContext.cbCertEncoded
        facts.type = unsafe context.dwCertificateFlags
        // One byte shows that there is a certificate; the certificate follows it if it has room.
        calls.channel.scratch.append(1)
        guard error == 0, Int(facts.size) <= room else { return error }
        encoded.withBytes { calls.channel.scratch.append($0[..<Int(facts.size)]) }
        return error
    }

    private mutating func getChannelBinding() throws(HostFailure) -> UInt32 {
        guard has(POOL_HAS_SIZE) else { return try call(buffer: nil, size: nil, type: nil) }
        let room = min(Int(facts.size), Self.storedLimit)
        var buffer = [UInt8](repeating: 0, count: room + 1)
        var size = DWORD(room)
        let hasBuffer = has(POOL_HAS_BUFFER)
        let error = try Self.withPointer(&buffer) { buffer throws(HostFailure) in
            try Self.withPointer(to: &size) { size throws(HostFailure) in
                try call(
                    buffer: hasBuffer ? buffer : nil, size: size, type: nil)
            }
        }
        facts.size = size
        guard error == 0, Int(size) <= room else { return error }
        buffer.withBytes { calls.channel.scratch.append($0[..<Int(size)]) }
        return error
    }

    // MARK: Pointers

    private static func withPointer<Result>(
        _ bytes: inout [UInt8]?, _ body: (Address?) throws(HostFailure) -> Result
    ) throws(HostFailure) -> Result {
        guard var content = bytes else { return try body(nil) }
        return try withPointer(&content) { pointer throws(HostFailure) in try body(pointer) }
    }

    private static func withPointer<Result>(
        _ bytes: inout [UInt8], _ body: (Address) throws(HostFailure) -> Result
    ) throws(HostFailure) -> Result {
        var outcome: Swift.Result<Result, HostFailure>?
        unsafe bytes.withUnsafeMutableBytes { bytes in
            outcome = Swift.Result { () throws(HostFailure) in unsafe try body(Address(pointer: bytes.baseAddress!)) }
        }
        return try outcome!.get()
    }

    private static func withPointer<Value, Result>(
        to value: inout Value, _ body: (Address) throws(HostFailure) -> Result
    ) throws(HostFailure) -> Result {
        var outcome: Swift.Result<Result, HostFailure>?
        unsafe withUnsafeMutableBytes(of: &value) { bytes in
            outcome = Swift.Result { () throws(HostFailure) in unsafe try body(Address(pointer: bytes.baseAddress!)) }
        }
        return try outcome!.get()
    }
}
