import CISAPI
import Glibc
import Memory

// The four functions in every control block. Each finds the session that its first argument names, checks its other
// arguments, and returns TRUE, or FALSE with the last error set. They may be called on any thread, at any time.

typealias GetServerVariable =
    @convention(c) (HCONN?, UnsafeMutablePointer<CChar>?, LPVOID?, UnsafeMutablePointer<DWORD>?) -> BOOL
typealias WriteClient = @convention(c) (HCONN?, LPVOID?, UnsafeMutablePointer<DWORD>?, DWORD) -> BOOL
typealias ReadClient = @convention(c) (HCONN?, LPVOID?, UnsafeMutablePointer<DWORD>?) -> BOOL
typealias ServerSupportFunction =
    @convention(c) (HCONN?, DWORD, LPVOID?, UnsafeMutablePointer<DWORD>?, UnsafeMutablePointer<DWORD>?) -> BOOL

/// `*lpdwSize` is the buffer's size on input and the value's on output, its NUL included.
let getServerVariable: GetServerVariable = { connection, name, buffer, size in
    unsafe call(.getServerVariable, on: connection) { session, caller in
        guard let name = unsafe name, let size = unsafe size else { return .invalidParameter }
        return session.inquire(by: caller) { state in
            if let failure = unsafe ServerVariables.render(name, state.request, into: &state.scratch) {
                return failure
            }
            return unsafe copyOut(state.scratch.bytes, to: buffer, size: size)
        }
    }
}

/// `*lpdwBytes` is the number of bytes taken on output.
let writeClient: WriteClient = { connection, buffer, count, flags in
    unsafe call(.writeClient, on: connection) { session, caller in
        guard let count = unsafe count else { return .invalidParameter }
        let length = unsafe Int(count.pointee)
        guard unsafe length == 0 || buffer != nil else { return .invalidParameter }
        if Int32(bitPattern: flags) & HSE_IO_ASYNC != 0 {
            return unsafe session.beginWrite(ByteView(start: buffer, count: length), by: caller)
        }
        let (written, failure) = unsafe session.write(
            ByteView(start: buffer, count: length), by: caller)
        unsafe count.pointee = DWORD(written)
        return failure
    }
}

/// `*lpdwSize` is the number of bytes read on output, 0 at the body's end and for an empty buffer.
let readClient: ReadClient = { connection, buffer, size in
    unsafe call(.readClient, on: connection) { session, caller in
        guard let size = unsafe size else { return .invalidParameter }
        if unsafe size.pointee == 0 { return session.inquire(by: caller) { _ in nil } }
        guard let buffer = unsafe buffer else { return .invalidParameter }
        let (count, failure) = unsafe session.read(
            into: MutableByteView(start: buffer, count: Int(size.pointee)), by: caller)
        unsafe size.pointee = DWORD(count)
        return failure
    }
}

let serverSupportFunction: ServerSupportFunction = { connection, request, buffer, size, type in
    unsafe call(.serverSupportFunction(request), on: connection) { session, caller in
        let call = unsafe SupportCall(session: session, caller: caller, buffer: buffer, size: size, type: type)
        return call.perform(request)
    }
}

/// Runs `body` with the session that `connection` names, and converts its result to that of the contract.
@inline(__always)
private func call(
    _ function: ContractFunction, on connection: HCONN?,
    _ body: (ExtensionSession, ControlBlockIdentity) -> CallFailure?
) -> BOOL {
    guard let connection = unsafe connection,
        let session = unsafe ControlBlockTable.shared.session(of: connection)
    else { return unsafe refuseStray(function, connection) }
    let caller = unsafe ControlBlockIdentity(connection)
    let failure = session.with { body($0, caller) }
    guard let failure else { return 1 }
    if failure == .invalidParameter, !session.with({ $0.isUnderWay(caller) }) {
        return unsafe refuseStray(function, connection)
    }
    return fail(failure)
}

@inline(never)
private func refuseStray(_ function: ContractFunction, _ connection: HCONN?) -> BOOL {
    unsafe StrayCalls.shared.note(function, on: connection)
    return fail(.invalidParameter)
}

private func fail(_ failure: CallFailure) -> BOOL {
    SetLastError(failure.rawValue)
    return 0
}

/// Copies `value` to a buffer of `size.pointee` bytes and sets that to the required size.
func copyOut(
    _ value: ByteView, to buffer: UnsafeMutableRawPointer?, size: UnsafeMutablePointer<DWORD>
) -> CallFailure? {
    let capacity = unsafe Int(size.pointee)
    guard unsafe capacity == 0 || buffer != nil else { return .invalidParameter }
    unsafe size.pointee = DWORD(value.count)
    guard let buffer = unsafe buffer, capacity >= value.count else { return .insufficientBuffer }
    unsafe MutableByteView(start: buffer, count: capacity).copy(value)
    return nil
}
