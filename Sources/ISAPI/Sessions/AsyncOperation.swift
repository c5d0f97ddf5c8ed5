import CCompat
import CISAPI
import Glibc
import Memory
import Transport

/// The function that is notified of the end of an asynchronous operation (PFN_HSE_IO_COMPLETION).
@safe
struct CompletionTarget: BitwiseCopyable {
    let function: PFN_HSE_IO_COMPLETION
    let context: UnsafeMutableRawPointer?

    /// Nil without a function.
    init?(_ function: PFN_HSE_IO_COMPLETION?, context: UnsafeMutableRawPointer?) {
        guard let function = unsafe function else { return nil }
        unsafe self.function = function
        unsafe self.context = context
    }
}

/// The one asynchronous operation a request may have, from its start until its completion is called.
///
/// Exactly one completion follows each start: a second end, or an end after the extension ended the request, finds no
/// operation in progress.
@safe
struct AsyncOperation: ~Copyable {
    enum Kind: BitwiseCopyable, Equatable {
        case read, send, child
    }

    /// A completion that has to be called, with its arguments.
    @safe
    struct Completion: BitwiseCopyable {
        let target: CompletionTarget
        let bytes: UInt32
        let error: UInt32
    }

    private enum State: BitwiseCopyable {
        case none
        case underWay(Kind, CompletionTarget)
        case due(Completion)
    }

    private var state = State.none
    /// The function that HSE_REQ_IO_COMPLETION set.
    var target: CompletionTarget?

    /// The operation in progress; also nil when only its completion is missing.
    var kind: Kind? {
        if case .underWay(let kind, _) = state { return kind }
        return nil
    }

    /// Whether another operation has to wait.
    var isBusy: Bool { if case .none = state { false } else { true } }

    var isUsed: Bool { isBusy || target != nil }

    /// False while another operation is in progress or its completion has not been called.
    mutating func begin(_ kind: Kind, _ target: CompletionTarget) -> Bool {
        guard !isBusy else { return false }
        state = .underWay(kind, target)
        return true
    }

    /// The operation ended; true when its completion is due now.
    mutating func end(bytes: UInt64, error: UInt32) -> Bool {
        guard case .underWay(_, let target) = state else { return false }
        state = .due(Completion(target: target, bytes: UInt32(clamping: bytes), error: error))
        return true
    }

    /// The completion to be called, once; the next operation may begin.
    mutating func takeCompletion() -> Completion? {
        guard case .due(let completion) = state else { return nil }
        state = .none
        return completion
    }

    /// The extension has ended the request and is not notified any more.
    mutating func drop() {
        state = .none
    }
}

/// The data that an operation sends: pieces of memory and of files, in order.
@safe
struct Transfer: ~Copyable {
    @safe
    enum Piece {
        /// Memory of the extension, which it keeps until the completion.
        case memory(ByteView)
        /// A copy of the extension's memory.
        case copied(ArraySlice<UInt8>)
        case file(TransferFile, offset: UInt64, count: UInt64)
    }

    /// The next step for the worker.
    enum Step {
        /// Bytes were written.
        case wrote
        case file(TransferFile, offset: UInt64, count: UInt64)
        case ended
    }

    private var pieces: [Piece] = []
    private var next = 0
    /// The number of bytes that the completion reports.
    var reportedBytes: UInt64 = 0
    /// The connection closes after the last byte.
    var disconnects = false
    private(set) var isOpen = false

    /// Bytes that are copied in one step, while the session's lock is held.
    private static let copyLimit = 64 << 10
    /// Bytes of a file that are sent without checking whether the operation still continues.
    private static let fileLimit: UInt64 = 4 << 20

    mutating func open(_ pieces: [Piece], reporting bytes: UInt64, disconnects: Bool) {
        self.pieces = pieces
        next = 0
        reportedBytes = bytes
        self.disconnects = disconnects
        isOpen = true
    }

    mutating func close() {
        guard isOpen else { return }
        pieces = []
        next = 0
        isOpen = false
    }

    /// Writes the next bytes of memory, or returns the next part of a file.
    mutating func step(_ write: (ByteView) -> Void) -> Step {
        guard next < pieces.count else { return .ended }
        switch pieces[next] {
        case .memory(let bytes):
            let count = min(bytes.count, Self.copyLimit)
            write(bytes[..<count])
            if count == bytes.count {
                next += 1
            } else {
                pieces[next] = .memory(bytes[count...])
            }
            return .wrote
        case .copied(let bytes):
            bytes.prefix(Self.copyLimit).withBytes { write($0) }
            if bytes.count <= Self.copyLimit {
                next += 1
            } else {
                pieces[next] = .copied(bytes.dropFirst(Self.copyLimit))
            }
            return .wrote
        case .file(let file, let offset, let count):
            let part = min(count, Self.fileLimit)
            if part == count {
                next += 1
            } else {
                pieces[next] = .file(file, offset: offset + part, count: count - part)
            }
            return .file(file, offset: offset, count: part)
        }
    }

    /// Releases the extension's memory: what has not been sent is copied.
    mutating func releaseMemory() {
        for index in pieces.indices.dropFirst(next) {
            if case .memory(let bytes) = pieces[index] { pieces[index] = .copied(Array(bytes)[...]) }
        }
    }
}

/// A file that an extension gave by its handle: it stays open as long as this value, even if the handle is closed, and
/// the handle's offset does not change.
@safe
final class TransferFile: Sendable {
    let file: OpenFile
    /// Bytes.
    let size: UInt64

    /// - Parameter handle: the result of CreateFile of the compatibility library, or a descriptor.
    /// - Throws: `invalidHandle` if it does not refer to a regular file.
    convenience init(_ handle: ExtensionMemory) throws(CallFailure) {
        let reference = FileReference(handle)
        guard reference.descriptor >= 0 else { throw .invalidHandle }
        // The extension may at any time close a descriptor of its own, and get another file under its number.
        try self.init(
            reference.isCounted
                ? OpenFile(reference.descriptor, keptOpenBy: reference)
                : OpenFile(adopting: fcntl(reference.descriptor, F_DUPFD_CLOEXEC, 0)))
    }

    /// - Throws: `invalidHandle` if it is not a regular file.
    init(_ file: OpenFile) throws(CallFailure) {
        self.file = file
        guard let status = SystemCalls.status(of: file.number), status.st_mode & S_IFMT == S_IFREG else {
            throw .invalidHandle
        }
        size = UInt64(status.st_size)
    }
}

/// A reference to the file behind a handle, which keeps its descriptor open if the compatibility library counts
/// references to it.
@safe
private final class FileReference: @unchecked Sendable {
    private let file: isagate_file

    init(_ handle: ExtensionMemory) {
        unsafe file = isagate_file_retain(handle.address)
    }

    deinit {
        unsafe isagate_file_release(file)
    }

    var descriptor: Int32 { unsafe file.descriptor }
    /// False for a descriptor that the extension passed directly.
    var isCounted: Bool { unsafe file.reference != nil }
}
