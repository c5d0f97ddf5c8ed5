import Glibc
import Memory
import Testing

@testable import Transport

@Suite("Text of addresses")
struct AddressTextTests {
    @Test("IPv4 addresses read as the system writes them")
    func ipv4() {
        var numbers = SystemRandomNumberGenerator()
        let random = (0..<500).map { _ in UInt32.random(in: 0...(.max), using: &numbers) }
        for bits in [0, .max, 0x7F00_0001, 0x0A0A_6409] + random {
            let expected = systemText(AF_INET, bits.bigEndian)
            #expect(IPAddress(ipv4: bits).description == expected)
        }
    }

    @Test("IPv6 addresses read as the system writes them, whatever groups are zero")
    func ipv6() {
        var numbers = SystemRandomNumberGenerator()
        for zeros in 0..<256 {
            for width in [0xF, 0xFF, 0xFFF, 0xFFFF] as [UInt128] {
                var bits: UInt128 = 0
                for group in 0..<8 {
                    let digits = UInt128.random(in: 1...width, using: &numbers)
                    bits = bits << 16 | (zeros >> group & 1 == 0 ? digits : 0)
                }
                expectSystemText(bits)
                // An IPv4 address, mapped.
                expectSystemText(0xFFFF << 32 | bits & 0xFFFF_FFFF)
            }
        }
    }

    private func expectSystemText(_ bits: UInt128) {
        let expected = systemText(AF_INET6, bits.bigEndian)
        let text = unsafe String(unsafeUninitializedCapacity: AddressText.maximum) { room in
            unsafe AddressText.writeIPv6(bits, to: MutableByteView(UnsafeMutableRawBufferPointer(room)))
        }
        #expect(text == expected)
    }

    /// - Parameter address: in network byte order.
    private func systemText(_ family: Int32, _ address: some FixedWidthInteger) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let count = socklen_t(text.count)
        unsafe withUnsafeBytes(of: address) { _ = unsafe inet_ntop(family, $0.baseAddress, &text, count) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
