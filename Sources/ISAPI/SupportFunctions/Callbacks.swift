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
    let buffer = unsafe ExtensionBuffer(memory: ExtensionMemory(buffer), size: ExtensionMemory(size))
    return unsafe call(.getServerVariable, on: connection) { session, caller in
        guard let name = unsafe name, !buffer.size.isNull else { return .invalidParameter }
        return session.inquire(by: caller) { state in
            if let failure = unsafe ServerVariables.render(name, state.request, into: &state.scratch) {
                return failure
            }
            return buffer.receive(state.scratch.bytes)
        }
    }
}

/// `*lpdwBytes` is the number of bytes taken on output.
let writeClient: WriteClient = { connection, buffer, count, flags in
    let (buffer, count) = unsafe (ExtensionMemory(buffer), ExtensionMemory(count))
    return unsafe call(.writeClient, on: connection) { session, caller in
        guard let length = count.load(DWORD.self), let bytes = buffer.bytes(Int(length)) else {
            return .invalidParameter
        }
        if Int32(bitPattern: flags) & HSE_IO_ASYNC != 0 { return session.beginWrite(bytes, by: caller) }
        let (written, failure) = session.write(bytes, by: caller)
        count.store(DWORD(written))
        return failure
    }
}

/// `*lpdwSize` is the number of bytes read on output, 0 at the body's end and for an empty buffer.
let readClient: ReadClient = { connection, buffer, size in
    let (buffer, size) = unsafe (ExtensionMemory(buffer), ExtensionMemory(size))
    return unsafe call(.readClient, on: connection) { session, caller in
        guard let capacity = size.load(DWORD.self), let room = buffer.room(Int(capacity)) else {
            return .invalidParameter
        }
        if room.isEmpty { return session.inquire(by: caller) { _ in nil } }
        let (count, failure) = session.read(into: room, by: caller)
        size.store(DWORD(count))
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
