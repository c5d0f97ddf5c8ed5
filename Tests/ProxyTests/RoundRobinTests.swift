import Testing
import Transport

@testable import Proxy

struct RoundRobinTests {
    private let request = BalancedRequest(now: Deadline(milliseconds: 1000))

    private func servers(weights: [Int]) -> [UpstreamServer] {
        weights.enumerated().map { index, weight in
            UpstreamServer(
                index: index, name: "\(index)", weight: weight, isSecure: false,
                addresses: [SocketAddress("127.0.0.1:1")!])
        }
    }

    private func turns(_ count: Int, _ balancer: RoundRobin, _ servers: [UpstreamServer]) -> [Int?] {
        (0..<count).map { _ in balancer.choose(from: servers, except: TriedServers(), for: request)?.index }
    }

    @Test func `equal servers take turns`() {
        #expect(turns(6, RoundRobin(), servers(weights: [1, 1, 1])) == [0, 1, 2, 0, 1, 2])
    }

    @Test func `a heavier server is asked more often, spread over the turns`() {
        #expect(turns(6, RoundRobin(), servers(weights: [2, 1])) == [0, 1, 0, 0, 1, 0])
    }

    @Test func `a server that is not available is passed over`() {
        let servers = servers(weights: [1, 1, 1])
        servers[1].state.setUp(false, at: request.now)
        #expect(turns(4, RoundRobin(), servers) == [0, 2, 0, 2])
    }

    @Test func `a server that was tried is not chosen again`() {
        let servers = servers(weights: [1, 1])
        var tried = TriedServers()
        tried.insert(servers[0])
        #expect(RoundRobin().choose(from: servers, except: tried, for: request)?.index == 1)
        tried.insert(servers[1])
        #expect(RoundRobin().choose(from: servers, except: tried, for: request) == nil)
    }

    @Test func `a server without an address is not chosen`() {
        let servers = servers(weights: [1])
        servers[0].move(to: [], at: request.now)
        #expect(RoundRobin().choose(from: servers, except: TriedServers(), for: request) == nil)
    }
}
