import CLinux
import FoundationEssentials
import Glibc
import Transport

/// One end of the connection between a supervisor and a gateway process: JSON messages, each in its own packet, with
/// descriptors.
///
/// A message too long for a packet is sent as sealed memory. Neither end trusts the other to behave correctly: lengths
/// are limited, and bytes that are not a message close the channel.
final class ControlChannel {
    private let end: OpenFile

    /// The maximum size of one packet.
    private static let packetLimit = 64 << 10
    /// The maximum size of one message; a report about 100,000 certificates fits.
    private static let messageLimit = 64 << 20
    private static let bufferBytes: Int32 = 1 << 20

    /// The kernel's limit on descriptors in one packet is 253; one is reserved for sealed memory.
    static let descriptorsPerMessage = 250

    /// The first byte of a packet.
    private enum Form: UInt8 {
        case inline = 0
        /// The message is in the memory of the first descriptor.
        case sealed = 1
    }

    init(adopting descriptor: Int32) {
        end = OpenFile(adopting: descriptor)
    }

    static func pair() throws(SystemError) -> (ControlChannel, ControlChannel) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, CLinux_SOCK_PACKET_FLAGS, 0, &ends) == 0 else {
            throw SystemError(number: errno)
        }
        for end in ends { _ = CLinux_set_option(end, SOL_SOCKET, SO_SNDBUF, bufferBytes) }
        return (ControlChannel(adopting: ends[0]), ControlChannel(adopting: ends[1]))
    }

    var descriptor: Int32 { end.number }

    /// Sends without waiting; EAGAIN means that the other end does not read.
    func send(_ message: some Encodable, descriptors: [Int32] = []) throws(SystemError) {
        guard let encoded = try? JSONEncoder().encode(message) else { throw SystemError(number: EINVAL) }
        var packet = [Form.inline.rawValue] + Array(encoded)
        var descriptors = descriptors
        var sealed: OpenFile?
        if packet.count > Self.packetLimit {
            let memory = try SealedMemory.make(Array(encoded))
            packet = [Form.sealed.rawValue]
            descriptors.insert(memory.number, at: 0)
            sealed = memory
        }
        defer { withExtendedLifetime(sealed) {} }
        while unsafe CLinux_send_packet(
            end.number, packet, UInt(packet.count), descriptors, Int32(descriptors.count), CLinux_MSG_DONTWAIT) < 0
        {
            guard errno == EINTR else { throw SystemError(number: errno) }
        }
    }

    /// The packet of a message without descriptors.
    static func packet(_ message: some Encodable) -> [UInt8]? {
        (try? JSONEncoder().encode(message)).map { [Form.inline.rawValue] + Array($0) }
    }

    enum Received<Message> {
        case message(Message, [OpenFile])
        /// No packet waits.
        case nothing
        /// The other end is closed, or sent bytes that are not a message.
        case closed
    }

    func receive<Message: Decodable>(_ type: Message.Type) -> Received<Message> {
        var packet = [UInt8](repeating: 0, count: Self.packetLimit)
        var numbers = [Int32](repeating: -1, count: 253)
        var room = Int32(numbers.count)
        var count: Int
        repeat {
            count = unsafe CLinux_receive_packet(
                end.number, &packet, UInt(packet.count), &numbers, &room, CLinux_MSG_DONTWAIT)
        } while count < 0 && errno == EINTR
        if count < 0 { return errno == EAGAIN ? .nothing : .closed }
        var descriptors = numbers.prefix(Int(room)).map { OpenFile(adopting: $0) }
        guard count > 0, let form = Form(rawValue: packet[0]) else { return .closed }
        var body = Array(packet[1..<count])
        if form == .sealed {
            guard !descriptors.isEmpty,
                let sealed = try? SealedMemory.read(
                    descriptors.removeFirst(), atMost: Self.messageLimit)
            else { return .closed }
            body = sealed
        }
        guard let message = try? JSONDecoder().decode(type, from: Data(body)) else { return .closed }
        return .message(message, descriptors)
    }
}
