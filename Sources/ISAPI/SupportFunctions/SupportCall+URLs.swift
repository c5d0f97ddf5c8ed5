import CISAPI
import HTTP
import Memory

/// Requests about URLs: mapping, normalization, and requests that answer in place of this one.
extension SupportCall {
    // MARK: Mapping

    /// lpvBuffer: the URL, replaced by the path; *lpdwSize: the buffer's size, then the path's with its NUL.
    func mapURLToPath() -> CallFailure? {
        guard !buffer.isNull, let limit = size.load(DWORD.self) else { return .invalidParameter }
        return map(buffer.text(within: Int(limit))) { path in
            path.append(0)
            return ExtensionBuffer(memory: buffer, size: size).receive(path.bytes)
        }
    }

    /// As `mapURLToPath` in UTF-16; sizes are bytes.
    func mapUnicodeURLToPath() -> CallFailure? {
        guard !buffer.isNull, let limit = size.load(DWORD.self) else { return .invalidParameter }
        return map(WideText(buffer.wideText(within: Int(limit) / 2)).text) { path in
            path.widen()
            return ExtensionBuffer(memory: buffer, size: size).receive(path.bytes)
        }
    }

    /// lpvBuffer: the URL; *lpdwSize: its length, where given; lpdwDataType: receives an HSE_URL_MAPEX_INFO.
    func mapURLToPathEx() -> CallFailure? {
        if buffer.isNull || type.isNull { return .invalidParameter }
        return map(textOfSize) { path in
            guard path.count < Int(MAX_PATH) else { return .insufficientBuffer }
            path.append(0)
            var result = HSE_URL_MAPEX_INFO()
            result.dwFlags = Self.mappedAccess
            result.cchMatchingPath = DWORD(matchedRootCount)
            type.store(result)
            // lpszPath is the first member.
            type.room(path.count)?.copy(path.bytes)
            return nil
        }
    }

    func mapUnicodeURLToPathEx() -> CallFailure? {
        if buffer.isNull || type.isNull { return .invalidParameter }
        let limit = Int(size.load(DWORD.self) ?? 0)
        return map(WideText(buffer.wideText(within: limit == 0 ? Int.max : limit)).text) { path in
            path.widen()
            let room = Int(MAX_PATH) * MemoryLayout<WCHAR>.size
            guard path.count <= room else { return .insufficientBuffer }
            var result = HSE_UNICODE_URL_MAPEX_INFO()
            result.dwFlags = Self.mappedAccess
            result.cchMatchingPath = DWORD(matchedRootCount)
            type.store(result)
            // lpszPath is the first member.
            type.room(path.count)?.copy(path.bytes)
            return nil
        }
    }

    /// Below a site's folder, files may be read and libraries run.
    private static let mappedAccess = DWORD(HSE_URL_FLAGS_READ | HSE_URL_FLAGS_SCRIPT | HSE_URL_FLAGS_EXECUTE)

    /// Characters of the path that belong to the URL's root: the site's folder without the "/" after it.
    private var matchedRootCount: Int {
        var count = 0
        _ = session.inquire(by: caller) { state in
            count = (state.request.application?.physicalPath.utf8.count ?? 1) - 1
            return nil
        }
        return count
    }

    private func map(_ url: ByteView, _ body: (inout ByteBuffer) -> CallFailure?) -> CallFailure? {
        var path = ByteBuffer()
        var isMapped = false
        let failure = session.inquire(by: caller) { state in
            guard let application = state.request.application else { return .invalidParameter }
            isMapped = PathMapping.map(
                url, to: application.physicalPath, style: application.paths, into: &path)
            return nil
        }
        guard failure == nil, isMapped else { return failure ?? .invalidParameter }
        return body(&path)
    }

    private func map(_ url: [UInt8], _ body: (inout ByteBuffer) -> CallFailure?) -> CallFailure? {
        url.withBytes { map($0, body) }
    }

    /// lpvBuffer: the URL, replaced by its normal form: decoded, without dot segments; a query is kept.
    func normalizeURL() -> CallFailure? {
        if buffer.isNull { return .invalidParameter }
        let url = Array(buffer.text)
        let path = Array(url.prefix { $0 != UInt8(ascii: "?") })
        return session.inquire(by: caller) { _ in
            let room = OwnedBytes(count: path.count)
            var normal: [UInt8]
            do throws(RequestRejection) {
                let count = try PathNormalizer.normalize(path.span.rawBytes, into: room.room)
                normal = Array(room.view[..<count])
                if PathMapping.climbs(room.view[..<count]) {
                    return .invalidParameter
                }
            } catch {
                return .invalidParameter
            }
            normal += url[path.count...] + [0]
            buffer.room(normal.count)?.copy(normal)
            return nil
        }
    }

    // MARK: Other requests

    /// lpvBuffer: a URL of this site, which answers in place of this request as if it had been a GET for it.
    ///
    /// An absolute URL belongs to another server and is answered with a redirect.
    func sendURL() -> CallFailure? {
        let url = textOfSize
        guard let first = url.first, first == UInt8(ascii: "/") else { return redirect() }
        var request = InternalRequest(method: Array("GET".utf8), target: Array(url))
        request.fields = .inherited
        return session.beginChild(request, isOperation: false, by: caller)
    }

    /// lpvBuffer: an HSE_EXEC_URL_INFO.
    func executeURL() -> CallFailure? {
        guard let information = unsafe buffer.load(HSE_EXEC_URL_INFO.self) else { return .invalidParameter }
        let url = unsafe ExtensionMemory(information.pszUrl)
        return unsafe execute(
            url: url.isNull ? nil : Array(url.text), method: ExtensionMemory(information.pszMethod),
            headers: ExtensionMemory(information.pszChildHeaders), entity: ExtensionMemory(information.pEntity),
            flags: information.dwExecUrlFlags)
    }

    /// lpvBuffer: an HSE_EXEC_UNICODE_URL_INFO.
    func executeUnicodeURL() -> CallFailure? {
        guard let information = unsafe buffer.load(HSE_EXEC_UNICODE_URL_INFO.self) else { return .invalidParameter }
        let url = unsafe ExtensionMemory(information.pszUrl)
        return unsafe execute(
            url: url.isNull ? nil : WideText(url.wideText()).encodedText,
            method: ExtensionMemory(information.pszMethod),
            headers: ExtensionMemory(information.pszChildHeaders), entity: ExtensionMemory(information.pEntity),
            flags: information.dwExecUrlFlags)
    }

    private func execute(
        url: [UInt8]?, method: ExtensionMemory, headers: ExtensionMemory, entity: ExtensionMemory, flags: DWORD
    ) -> CallFailure? {
        let flags = Int32(bitPattern: flags)
        guard flags & ~Self.knownChildFlags == 0, flags & HSE_EXEC_URL_SSI_CMD == 0 else { return .invalidParameter }
        var request = InternalRequest(method: method.isNull ? nil : Array(method.text), target: url)
        if flags & HSE_EXEC_URL_NO_HEADERS != 0 {
            request.fields = .replaced([])
        } else if !headers.isNull {
            request.fields = .replaced(Array(headers.text))
        } else if flags & HSE_EXEC_URL_IGNORE_VALIDATION_AND_RANGE != 0 {
            request.fields = .inheritedUnconditional
        }
        request.entity = .unread(behind: [])
        if let entity = unsafe entity.load(HSE_EXEC_URL_ENTITY_INFO.self) {
            guard let bytes = unsafe ExtensionMemory(entity.lpbData).bytes(Int(entity.cbAvailable)) else {
                return .invalidParameter
            }
            request.entity = .bytes(Array(bytes))
        }
        request.passesAsker = flags & HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR != 0
        request.usesErrorPages = flags & HSE_EXEC_URL_DISABLE_CUSTOM_ERROR == 0
        return session.beginChild(request, isOperation: true, by: caller)
    }

    private static let knownChildFlags =
        HSE_EXEC_URL_NO_HEADERS | HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR | HSE_EXEC_URL_IGNORE_VALIDATION_AND_RANGE
        | HSE_EXEC_URL_DISABLE_CUSTOM_ERROR | HSE_EXEC_URL_HTTP_CACHE_ELIGIBLE

    /// lpvBuffer: receives an HSE_EXEC_URL_STATUS.
    func getChildStatus() -> CallFailure? {
        if buffer.isNull { return .invalidParameter }
        return session.inquire(by: caller) { state in
            guard let status = state.childStatus else { return .invalidParameter }
            buffer.store(status)
            return nil
        }
    }

    /// lpvBuffer: an HSE_CUSTOM_ERROR_INFO. Answers with the page configured for the status and sub-status.
    func sendCustomError() -> CallFailure? {
        guard let information = unsafe buffer.load(HSE_CUSTOM_ERROR_INFO.self) else { return .invalidParameter }
        let status = unsafe ExtensionMemory(information.pszStatus).text
        let digits = status.prefix(3)
        guard let code = Int(String(decoding: digits, as: UTF8.self)), (400...599).contains(code) else {
            return .invalidParameter
        }
        let (substatus, isAsync) = unsafe (Int(information.uHttpSubError), information.fAsync != 0)
        var found: ErrorPages.Page?
        let failure = session.inquire(by: caller) { state in
            found = state.request.application?.errorPages?.page(for: code, substatus: substatus)
            return found == nil ? .fileNotFound : nil
        }
        if let failure { return failure }
        guard case .content(let page)? = found else {
            guard case .route(let path)? = found else { return .fileNotFound }
            var request = InternalRequest(target: path)
            request.error = AnsweredError(status: code)
            return session.beginChild(request, isOperation: isAsync, by: caller)
        }
        let give = { (state: inout SessionState) -> CallFailure? in
            var block = ByteBuffer()
            page.typeField.withBytes { block.append($0) }
            block.append(text: "Content-Length: \(page.body.count)\r\n\r\n")
            guard state.response.setHead(status: status, block: block.bytes) else { return .invalidParameter }
            page.body.withBytes { state.response.write($0) }
            state.substatus = substatus
            return nil
        }
        guard isAsync else { return session.answer(by: caller, give) }
        return session.begin(.send, by: caller) { state in
            if let failure = give(&state) { return failure }
            state.transfer.open([], reporting: 0, disconnects: false)
            return nil
        }
    }
}

/// A text in UTF-16.
private struct WideText {
    private let units: [UInt16]

    init(_ units: [UInt16]) { self.units = units }

    /// As UTF-8.
    var text: [UInt8] { Array(String(decoding: units, as: UTF16.self).utf8) }

    /// As UTF-8 for a request target: non-ASCII characters and spaces are percent-encoded (RFC 3986 §2.1).
    var encodedText: [UInt8] {
        text.flatMap { byte in
            guard byte <= 0x20 || byte >= 0x7F else { return [byte] }
            return [UInt8(ascii: "%"), Self.digit(byte >> 4), Self.digit(byte & 15)]
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }
}
