import CISAPI
import Glibc
import HTTP
import Memory
import Transport

/// GetServerVariable: the variables of a request by name.
///
/// Names are compared without regard to case. `HTTP_X_Y` and `HEADER_x_y` are header fields, the first with "_" for
/// "-", the second by the exact name; `UNICODE_` before any other name gives UTF-16. A known variable without a value
/// is empty; only parts of a certificate that was not presented are "no data".
enum ServerVariables {
    /// Writes the value, with its NUL, to `value`; a failure if there is no such variable, or no data for it.
    static func render(
        _ name: UnsafePointer<CChar>, _ request: borrowing RequestRecord, into value: inout ByteBuffer
    ) -> CallFailure? {
        value.removeAll()
        let count = unsafe strnlen(name, nameLimit)
        return unsafe ByteView(start: name, count: count).withSpan { name in
            guard name.count > 8, name.extracting(0..<8).isSame(as: "unicode_") else {
                if let failure = render(name, request, into: &value) { return failure }
                value.append(0)
                return nil
            }
            if let failure = render(name.extracting(8..<name.count), request, into: &value) { return failure }
            value.widen()
            return nil
        }
    }

    private static let nameLimit = 1024

    private static func render(
        _ name: Span<UInt8>, _ request: borrowing RequestRecord, into value: inout ByteBuffer
    ) -> CallFailure? {
        if let variable = find(name) {
            variable.render(request, into: &value)
            return nil
        }
        var isFound = false
        if name.count > 5, name.mayBegin("http_") {
            isFound = appendField(name.extracting(5..<name.count), underscoreIsDash: true, request, to: &value)
        } else if name.count > 7, name.mayBegin("header_") {
            isFound = appendField(name.extracting(7..<name.count), underscoreIsDash: false, request, to: &value)
        } else if let attribute = CertificateAttribute(name) {
            return attribute.render(request, into: &value)
        }
        return isFound ? nil : .invalidIndex
    }

    private static func find(_ name: Span<UInt8>) -> ServerVariable? {
        for (known, variable) in names where name.isSame(as: known) { return variable }
        return nil
    }

    /// The values of all fields with this name, as one list (RFC 9110 §5.3; of cookies, RFC 9113 §8.2.3); false if there
    /// is none.
    private static func appendField(
        _ name: Span<UInt8>, underscoreIsDash: Bool, _ request: borrowing RequestRecord, to value: inout ByteBuffer
    ) -> Bool {
        var isFound = false
        for index in 0..<request.fieldCount where Int(request.field(index).name.count) == name.count {
            let field = request.field(index)
            let isSame = request.bytes(field.name).withSpan { sent in
                for index in 0..<name.count {
                    let asked = underscoreIsDash && name[index] == underscore ? dash : lowercase(name[index])
                    if lowercase(sent[index]) != asked { return false }
                }
                return true
            }
            guard isSame else { continue }
            if isFound { value.append(request.bytes(field.name).withSpan(separator)) }
            isFound = true
            value.append(request.bytes(field.value))
        }
        guard !isFound, name.isSame(as: "host"), let host = request.targetHost else { return isFound }
        value.append(request.bytes(host))
        return true
    }

    /// The separator between two values of a field.
    fileprivate static func separator(_ name: Span<UInt8>) -> StaticString { name.isSame(as: "cookie") ? "; " : ", " }

    fileprivate static let underscore = UInt8(ascii: "_")
    fileprivate static let dash = UInt8(ascii: "-")

    private static let names: [(StaticString, ServerVariable)] = [
        ("all_http", .allHTTP), ("all_raw", .allRaw), ("appl_md_path", .applicationMetabasePath),
        ("appl_physical_path", .applicationPhysicalPath), ("app_pool_config", .empty), ("app_pool_id", .poolName),
        ("auth_password", .empty), ("auth_type", .authenticationType), ("auth_user", .user), ("cache_url", .cacheURL),
        ("cert_cookie", .certificateCookie), ("cert_flags", .certificateFlags), ("cert_issuer", .certificateIssuer),
        ("cert_keysize", .sessionKeyBits), ("cert_secretkeysize", .serverKeyBits),
        ("cert_serialnumber", .certificateSerial),
        ("cert_server_issuer", .serverIssuer), ("cert_server_subject", .serverSubject),
        ("cert_subject", .certificateSubject),
        ("content_length", .contentLength), ("content_type", .contentType),
        ("crypt_cipher_alg_id", .cipherAlgorithm), ("crypt_hash_alg_id", .hashAlgorithm),
        ("crypt_keyexchange_alg_id", .keyExchangeAlgorithm), ("crypt_protocol", .securityProtocol),
        ("document_root", .documentRoot), ("forwarded_url", .empty), ("gateway_interface", .gatewayInterface),
        ("http_cfg_enc_caps", .empty), ("http_method", .method), ("http_url", .target), ("http_version", .version),
        ("https", .isSecureText), ("https_keysize", .sessionKeyBits), ("https_secretkeysize", .serverKeyBits),
        ("https_server_issuer", .serverIssuer), ("https_server_subject", .serverSubject), ("instance_id", .siteID),
        ("instance_meta_path", .siteMetabasePath), ("instance_name", .siteName), ("local_addr", .localAddress),
        ("logon_user", .user), ("managed_pipeline_mode", .empty), ("path_info", .pathInfo),
        ("path_translated", .translatedPath), ("query_string", .query), ("remote_addr", .remoteAddress),
        ("remote_host", .remoteAddress), ("remote_port", .remotePort), ("remote_user", .user),
        ("request_filename", .translatedPath), ("request_flags", .empty), ("request_id", .requestID),
        ("request_method", .method),
        ("request_uri", .target), ("script_filename", .scriptPath), ("script_name", .scriptName),
        ("script_translated", .scriptPath), ("server_addr", .localAddress), ("server_name", .serverName),
        ("server_port", .localPort), ("server_port_secure", .isSecureNumber), ("server_protocol", .version),
        ("server_software", .serverSoftware), ("unencoded_url", .target), ("unmapped_remote_user", .user),
        ("url", .scriptName),
    ]
}

/// One value behind the names of the server variables.
private enum ServerVariable {
    case empty
    case allHTTP, allRaw, contentLength, contentType, method, pathInfo, query, scriptName, scriptPath, target
    case translatedPath, version, serverName, cacheURL
    case applicationMetabasePath, applicationPhysicalPath, documentRoot, poolName, siteID, siteMetabasePath, siteName
    case gatewayInterface, serverSoftware
    case localAddress, localPort, remoteAddress, remotePort, requestID, user, authenticationType
    case isSecureText, isSecureNumber, sessionKeyBits, serverKeyBits, serverIssuer, serverSubject
    case certificateCookie, certificateFlags, certificateIssuer, certificateSerial, certificateSubject
    case securityProtocol, cipherAlgorithm, hashAlgorithm, keyExchangeAlgorithm

    func render(_ request: borrowing RequestRecord, into value: inout ByteBuffer) {
        guard let origin = request.origin, let application = request.application else { return }
        switch self {
        case .empty: break
        case .allHTTP: Self.appendAllHTTP(request, to: &value)
        case .allRaw: Self.appendAllRaw(request, to: &value)
        case .contentLength: Self.appendContentLength(request, to: &value)
        case .contentType: value.append(request.bytes(request.contentType))
        case .method: value.append(request.bytes(request.head.methodToken))
        case .pathInfo: value.append(request.bytes(request.pathInfo))
        case .query: value.append(request.bytes(request.head.query))
        case .scriptName: value.append(request.bytes(request.scriptName))
        case .scriptPath:
            _ = PathMapping.map(
                request.bytes(request.scriptName), to: application.physicalPath, style: application.paths, into: &value)
        case .target: value.append(request.bytes(request.head.target))
        case .translatedPath: value.append(request.bytes(request.translatedPath))
        case .version: value.append(request.head.version.name)
        case .serverName: Self.appendServerName(request, origin, to: &value)
        case .cacheURL: Self.appendCacheURL(request, origin, to: &value)
        case .applicationMetabasePath: value.append(text: "/LM/W3SVC/\(application.siteID)/ROOT")
        case .applicationPhysicalPath: value.append(text: application.physicalPath)
        case .documentRoot: value.append(text: String(application.physicalPath.dropLast()))
        case .poolName: value.append(text: application.poolName)
        case .siteID: value.append(decimal: UInt64(application.siteID))
        case .siteMetabasePath: value.append(text: "/LM/W3SVC/\(application.siteID)")
        case .siteName: value.append(text: application.siteName)
        case .gatewayInterface: value.append("CGI/1.1")
        case .serverSoftware: value.append(text: application.serverSoftware)
        case .localAddress: value.append(text: origin.localAddress)
        case .localPort: value.append(decimal: UInt64(origin.localPort))
        case .remoteAddress: value.append(text: origin.remoteAddress)
        case .remotePort: value.append(decimal: UInt64(origin.remotePort))
        case .user: value.append(text: request.user ?? "")
        case .authenticationType: value.append(request.user == nil ? "" : "Basic")
        case .requestID: request.requestID?.withBytes { value.append($0) }
        case .isSecureText: value.append(origin.security == nil ? "off" : "on")
        case .isSecureNumber: value.append(origin.security == nil ? "0" : "1")
        default:
            guard let security = origin.security else { break }
            render(security, into: &value)
        }
    }

    private func render(_ security: SecurityDescription, into value: inout ByteBuffer) {
        switch self {
        case .sessionKeyBits: value.append(decimal: UInt64(security.cipherBits))
        case .serverKeyBits: value.append(decimal: UInt64(security.serverKeyBits))
        case .serverIssuer: value.append(text: security.serverIssuer)
        case .serverSubject: value.append(text: security.serverSubject)
        case .certificateFlags: value.append(decimal: UInt64(security.clientCertificate?.flags ?? 0))
        case .certificateCookie: value.append(text: security.clientCertificate?.fingerprint ?? "")
        case .certificateIssuer: value.append(text: security.clientCertificate?.issuer ?? "")
        case .certificateSerial: Self.appendSerial(security.clientCertificate?.serial ?? "", to: &value)
        case .certificateSubject: value.append(text: security.clientCertificate?.subject ?? "")
        // The numbers of Schannel, in hexadecimal, as extensions expect them.
        case .securityProtocol: value.append(security.protocolName == "TLSv1.3" ? "1000" : "400")
        case .cipherAlgorithm:
            if security.cipherName.contains("CHACHA20") { break }
            value.append(security.cipherBits >= 256 ? "6610" : "660e")
        case .hashAlgorithm: value.append(security.cipherName.hasSuffix("SHA384") ? "800d" : "800c")
        case .keyExchangeAlgorithm: value.append("ae06")
        default: break
        }
    }

    /// Hexadecimal digits in pairs, as extensions expect serial numbers.
    private static func appendSerial(_ serial: String, to value: inout ByteBuffer) {
        for (index, digit) in serial.utf8.enumerated() {
            if index > 0, (serial.utf8.count - index).isMultiple(of: 2) { value.append(ServerVariables.dash) }
            value.append(lowercase(digit))
        }
    }

    /// `HTTP_NAME:value` lines, each ended by LF; one for each name.
    ///
    /// Of fields whose names CGI's rules map to one variable, the one spelled with hyphens is shown, or else the first.
    private static func appendAllHTTP(_ request: borrowing RequestRecord, to value: inout ByteBuffer) {
        if let host = request.targetHost {
            value.append("HTTP_HOST:")
            value.append(request.bytes(host))
            value.append("\n")
        }
        for index in 0..<request.fieldCount where request.hasVariable(index) {
            let field = request.field(index)
            value.append("HTTP_")
            request.bytes(field.name).withSpan { name in
                for index in 0..<name.count {
                    let byte = name[index]
                    value.append(byte == ServerVariables.dash ? ServerVariables.underscore : uppercase(byte))
                }
            }
            value.append(UInt8(ascii: ":"))
            value.append(request.bytes(field.value))
            for next in (index + 1)..<request.fieldCount where request.isSameName(next, index) {
                value.append(request.bytes(field.name).withSpan(ServerVariables.separator))
                value.append(request.bytes(request.field(next).value))
            }
            value.append("\n")
        }
    }

    /// `Name: value` lines as sent, each ended by CRLF; Host has the value of a target in absolute form, if there is
    /// one.
    private static func appendAllRaw(_ request: borrowing RequestRecord, to value: inout ByteBuffer) {
        if let host = request.targetHost {
            value.append("Host: ")
            value.append(request.bytes(host))
            value.append("\r\n")
        }
        for index in 0..<request.fieldCount {
            let field = request.field(index)
            let (name, text) = (field.name.range, field.value.range)
            if text.lowerBound > name.upperBound {
                value.append(request.bytes(Slice(name.lowerBound, text.upperBound)))
            } else {
                value.append(request.bytes(field.name))
                value.append(": ")
                value.append(request.bytes(field.value))
            }
            value.append("\r\n")
        }
    }

    private static func appendContentLength(_ request: borrowing RequestRecord, to value: inout ByteBuffer) {
        switch request.head.framing {
        case .none: value.append("0")
        case .length(let length): value.append(decimal: length)
        case .chunked:
            if let known = request.knownLength { value.append(decimal: known) }
        }
    }

    /// The host that the request names, without its port; without one, the connection's.
    private static func appendServerName(
        _ request: borrowing RequestRecord, _ origin: RequestOrigin, to value: inout ByteBuffer
    ) {
        let authority = request.bytes(request.head.authority)
        guard authority.count > 0 else { return value.append(text: origin.serverName) }
        let end = authority.withSpan { authority in
            if authority[0] == UInt8(ascii: "[") {
                return authority.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } ?? authority.count
            }
            return authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.count
        }
        value.append(authority[..<end])
    }

    /// The absolute form of the target, always with its port.
    private static func appendCacheURL(
        _ request: borrowing RequestRecord, _ origin: RequestOrigin, to value: inout ByteBuffer
    ) {
        value.append(origin.security == nil ? "http://" : "https://")
        appendServerName(request, origin, to: &value)
        value.append(UInt8(ascii: ":"))
        value.append(decimal: UInt64(origin.localPort))
        value.append(request.bytes(request.head.path))
        guard request.head.hasQuery else { return }
        value.append(UInt8(ascii: "?"))
        value.append(request.bytes(request.head.query))
    }
}
