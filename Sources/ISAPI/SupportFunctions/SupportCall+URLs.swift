import CISAPI
import Glibc
import HTTP
import Memory

/// Requests about URLs: mapping, normalization, and requests that answer in place of this one.
extension SupportCall {
    // MARK: Mapping

    /// lpvBuffer: the URL, replaced by the path; *lpdwSize: the buffer's size, then the path's with its NUL.
    func mapURLToPath() -> CallFailure? {
        guard let buffer = unsafe buffer, let size = unsafe size else { return .invalidParameter }
        let text = unsafe buffer.assumingMemoryBound(to: CChar.self)
        let url = unsafe ByteView(start: text, count: strnlen(text, Int(size.pointee)))
        return map(url) { path in
            path.append(0)
            return unsafe copyOut(path.bytes, to: buffer, size: size)
        }
    }

    /// As `mapURLToPath` in UTF-16; sizes are bytes.
    func mapUnicodeURLToPath() -> CallFailure? {
        guard let buffer = unsafe buffer, let size = unsafe size else { return .invalidParameter }
        let url = unsafe WideText(buffer, limit: Int(size.pointee) / 2).text
        return map(url) { path in
            path.widen()
            return unsafe copyOut(path.bytes, to: buffer, size: size)
        }
    }

    /// lpvBuffer: the URL; *lpdwSize: its length, where given; lpdwDataType: receives an HSE_URL_MAPEX_INFO.
    func mapURLToPathEx() -> CallFailure? {
        guard unsafe buffer != nil, let type = unsafe type else { return .invalidParameter }
        let url = unsafe textBytes(buffer, count: size.map { unsafe $0.pointee } ?? 0)
        let result = unsafe UnsafeMutableRawPointer(type).assumingMemoryBound(to: HSE_URL_MAPEX_INFO.self)
        return map(url) { path in
            guard path.count < Int(MAX_PATH) else { return .insufficientBuffer }
            path.append(0)
            unsafe result.pointee = HSE_URL_MAPEX_INFO()
            unsafe UnsafeMutableRawPointer(result).copyMemory(from: path.bytes.baseAddress!, byteCount: path.count)
            unsafe result.pointee.dwFlags = Self.mappedAccess
            unsafe result.pointee.cchMatchingPath = DWORD(matchedRootCount)
            return nil
        }
    }

    func mapUnicodeURLToPathEx() -> CallFailure? {
        guard let buffer = unsafe buffer, let type = unsafe type else { return .invalidParameter }
        let limit = unsafe size.map { unsafe Int($0.pointee) } ?? Int.max
        let url = unsafe WideText(buffer, limit: limit == 0 ? Int.max : limit).text
        let result = unsafe UnsafeMutableRawPointer(type).assumingMemoryBound(to: HSE_UNICODE_URL_MAPEX_INFO.self)
        return map(url) { path in
            path.widen()
            let room = Int(MAX_PATH) * MemoryLayout<WCHAR>.size
            guard path.count <= room else { return .insufficientBuffer }
            unsafe result.pointee = HSE_UNICODE_URL_MAPEX_INFO()
            unsafe UnsafeMutableRawPointer(result).copyMemory(from: path.bytes.baseAddress!, byteCount: path.count)
            unsafe result.pointee.dwFlags = Self.mappedAccess
            unsafe result.pointee.cchMatchingPath = DWORD(matchedRootCount)
            return nil
        }
    }

    /// Below a site's folder, files may be read and libraries run.
    private static let mappedAccess = DWORD(HSE_URL_FLAGS_READ | HSE_URL_FLAGS_SCRIPT | HSE_URL_FLAGS_EXECUTE)

    /// Characters of the path that belong to the URL's root: the site's folder without the "/" after it.
    private var matchedRootCount: Int {
        var count = 0
        _ = unsafe session.inquire(by: caller) { state in
            count = (state.request.application?.physicalPath.utf8.count ?? 1) - 1
            return nil
        }
        return count
    }

    private func map(_ url: ByteView, _ body: (inout ByteBuffer) -> CallFailure?) -> CallFailure? {
        var path = ByteBuffer()
        var isMapped = false
        let failure = unsafe session.inquire(by: caller) { state in
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
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let url = unsafe Array(textBytes(buffer))
        let path = Array(url.prefix { $0 != UInt8(ascii: "?") })
        return unsafe session.inquire(by: caller) { _ in
            let room = OwnedBytes(count: path.count)
            var normal: [UInt8]
            do throws(RequestRejection) {
                let count = try unsafe PathNormalizer.normalize(path.span.bytes, into: room.room)
                normal = Array(room.view[..<count])
                if PathMapping.climbs(room.view[..<count]) {
                    return .invalidParameter
                }
            } catch {
                return .invalidParameter
            }
            normal += url[path.count...] + [0]
            unsafe buffer.copyMemory(from: normal, byteCount: normal.count)
            return nil
        }
    }

    // MARK: Other requests

    /// lpvBuffer: a URL of this site, which answers in place of this request as if it had been a GET for it.
    ///
    /// An absolute URL belongs to another server and is answered with a redirect.
    func sendURL() -> CallFailure? {
        let url = unsafe textBytes(buffer, count: size.map { unsafe $0.pointee } ?? 0)
        guard let first = url.first, first == UInt8(ascii: "/") else { return redirect() }
        let method: StaticString = "GET"
        var request = InternalRequest(method: method.bytes, target: Array(url))
        request.fields = .inherited
        return unsafe session.beginChild(request, isOperation: false, by: caller)
    }

    /// lpvBuffer: an HSE_EXEC_URL_INFO.
    func executeURL() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let information = unsafe buffer.assumingMemoryBound(to: HSE_EXEC_URL_INFO.self).pointee
        return unsafe execute(
            url: information.pszUrl.map { unsafe Array(textBytes(UnsafePointer($0), count: 0)) },
            method: information.pszMethod, headers: information.pszChildHeaders, entity: information.pEntity,
            flags: information.dwExecUrlFlags)
    }

    /// lpvBuffer: an HSE_EXEC_UNICODE_URL_INFO.
    func executeUnicodeURL() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let information = unsafe buffer.assumingMemoryBound(to: HSE_EXEC_UNICODE_URL_INFO.self).pointee
        return unsafe execute(
            url: information.pszUrl.map { unsafe WideText(UnsafeMutableRawPointer($0), limit: Int.max).encodedText },
            method: information.pszMethod, headers: information.pszChildHeaders, entity: information.pEntity,
            flags: information.dwExecUrlFlags)
    }

    private func execute(
        url: [UInt8]?, method: LPSTR?, headers: LPSTR?, entity: LPHSE_EXEC_URL_ENTITY_INFO?, flags: DWORD
    ) -> CallFailure? {
        let flags = Int32(bitPattern: flags)
        guard flags & ~Self.knownChildFlags == 0, flags & HSE_EXEC_URL_SSI_CMD == 0 else { return .invalidParameter }
        var request = unsafe InternalRequest(
            method: method.map { unsafe Array(textBytes(UnsafePointer($0), count: 0)) }, target: url)
        if flags & HSE_EXEC_URL_NO_HEADERS != 0 {
            request.fields = .replaced([])
        } else if let headers = unsafe headers {
            request.fields = unsafe .replaced(Array(textBytes(UnsafePointer(headers), count: 0)))
        } else if flags & HSE_EXEC_URL_IGNORE_VALIDATION_AND_RANGE != 0 {
            request.fields = .inheritedUnconditional
        }
        request.entity = .unread(behind: [])
        if let entity = unsafe entity {
            let information = unsafe entity.pointee
            guard unsafe information.cbAvailable == 0 || information.lpbData != nil else { return .invalidParameter }
            request.entity = unsafe .bytes(
                Array(ByteView(start: information.lpbData, count: Int(information.cbAvailable))))
        }
        request.passesAsker = flags & HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR != 0
        request.usesErrorPages = flags & HSE_EXEC_URL_DISABLE_CUSTOM_ERROR == 0
        return unsafe session.beginChild(request, isOperation: true, by: caller)
    }

    private static let knownChildFlags =
        HSE_EXEC_URL_NO_HEADERS | HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR | HSE_EXEC_URL_IGNORE_VALIDATION_AND_RANGE
        | HSE_EXEC_URL_DISABLE_CUSTOM_ERROR | HSE_EXEC_URL_HTTP_CACHE_ELIGIBLE

    /// lpvBuffer: receives an HSE_EXEC_URL_STATUS.
    func getChildStatus() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        return unsafe session.inquire(by: caller) { state in
            guard let status = state.childStatus else { return .invalidParameter }
            unsafe buffer.storeBytes(of: status, as: HSE_EXEC_URL_STATUS.self)
            return nil
        }
    }

    /// lpvBuffer: an HSE_CUSTOM_ERROR_INFO. Answers with the page configured for the status and sub-status.
    func sendCustomError() -> CallFailure? {
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let information = unsafe buffer.assumingMemoryBound(to: HSE_CUSTOM_ERROR_INFO.self).pointee
        let status = unsafe textBytes(information.pszStatus.map { unsafe UnsafePointer($0) }, count: 0)
        let digits = status.prefix(3)
        guard let code = Int(String(decoding: digits, as: UTF8.self)), (400...599).contains(code) else {
            return .invalidParameter
        }
        let substatus = unsafe Int(information.uHttpSubError)
        let isAsync = unsafe information.fAsync != 0
        var found: ErrorPages.Page?
        let failure = unsafe session.inquire(by: caller) { state in
            found = state.request.application?.errorPages?.page(for: code, substatus: substatus)
            return found == nil ? .fileNotFound : nil
        }
        if let failure { return failure }
        guard case .content(let page)? = found else {
            guard case .route(let path)? = found else { return .fileNotFound }
            var request = InternalRequest(target: path)
            request.error = AnsweredError(status: code)
            return unsafe session.beginChild(request, isOperation: isAsync, by: caller)
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
        guard isAsync else { return unsafe session.answer(by: caller, give) }
        return unsafe session.begin(.send, by: caller) { state in
            if let failure = give(&state) { return failure }
            state.transfer.open([], reporting: 0, disconnects: false)
            return nil
        }
    }
}

/// A NUL-terminated text in UTF-16.
@safe
private struct WideText {
    private let units: [UInt16]

    init(_ start: UnsafeMutableRawPointer, limit: Int) {
        var units: [UInt16] = []
        while units.count < limit {
            let unit = unsafe start.loadUnaligned(fromByteOffset: units.count * 2, as: UInt16.self)
            if unit == 0 { break }
            units.append(unit)
        }
        self.units = units
    }

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

extension StaticString {
    fileprivate var bytes: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount))
    }
}
