import Testing
import Transport

@testable import Proxy

@Suite("Balancers") struct BalancerTests {
    private static let address = SocketAddress("127.0.0.1:1")!
    private let request = BalancedRequest(now: Deadline(milliseconds: 1_000_000))

    private func servers(weights: [Int], slowStart: Delay = .milliseconds(0)) -> [UpstreamServer] {
        weights.enumerated().map { index, weight in
            UpstreamServer(
                index: index, name: "server-\(index)", weight: weight, isSecure: false, addresses: [Self.address],
                slowStart: slowStart)
        }
    }

    private func counts(_ balancer: Balancer, _ servers: [UpstreamServer], _ requests: [BalancedRequest]) -> [Int] {
        var counts = servers.map { _ in 0 }
        for request in requests {
            counts[balancer.choose(from: servers, except: TriedServers(), for: request)!.index] += 1
        }
        return counts
    }

    private func keys(_ count: UInt64) -> [BalancedRequest] {
        (0..<count).map { BalancedRequest(now: request.now, key: StableHash.mix($0)) }
    }

    @Test func `The server with the fewest requests for its weight is asked`() {
        let servers = servers(weights: [1, 2, 1])
        servers[0].activeRequests = 1
        servers[1].activeRequests = 2
        servers[2].activeRequests = 2
        #expect(LeastConnections().choose(from: servers, except: TriedServers(), for: request)?.index == 1)
    }

    @Test func `Equally busy servers take turns`() {
        #expect(
            counts(LeastConnections(), servers(weights: [1, 1, 1]), Array(repeating: request, count: 9)) == [3, 3, 3])
    }

    @Test func `Two random choices prefer the less busy one`() {
        let servers = servers(weights: [1, 1, 1])
        servers[0].activeRequests = 5
        let counts = counts(RandomTwo(seed: 1), servers, Array(repeating: request, count: 3000))
        #expect(counts[0] == 0)
        #expect(counts[1] > 1200 && counts[2] > 1200)
    }

    @Test func `Random choices follow the weights`() {
        let counts = counts(RandomTwo(seed: 1), servers(weights: [1]), Array(repeating: request, count: 10))
        #expect(counts == [10])
    }

    @Test func `A key has the same server every time, and keys are spread by weight`() {
        let servers = servers(weights: [1, 2, 1])
        let first = counts(ConsistentHash(), servers, keys(8000))
        #expect(first == counts(ConsistentHash(), servers, keys(8000)))
        #expect(abs(first[1] - 4000) < 300 && abs(first[0] - 2000) < 300)
    }

    @Test func `A server that goes moves only its own share`() {
        let servers = servers(weights: [1, 1, 1, 1])
        let hash = ConsistentHash()
        var moved = 0
        for key in keys(4000) {
            let before = hash.choose(from: servers, except: TriedServers(), for: key)!
            servers[2].state.setUp(false, at: request.now)
            let after = hash.choose(from: servers, except: TriedServers(), for: key)!
            servers[2].state.setUp(true, at: Deadline(milliseconds: 0))
            if before !== after {
                #expect(before === servers[2])
                moved += 1
            }
        }
        #expect(abs(moved - 1000) < 150)
    }

    @Test func `A server that has just come back gets its share slowly`() {
        let servers = servers(weights: [1, 1], slowStart: .seconds(10))
        servers[0].state.setUp(true, at: Deadline(milliseconds: 995_000))
        let halfway = counts(RoundRobin(), servers, Array(repeating: request, count: 30))
        #expect(halfway == [10, 20])
        let later = BalancedRequest(now: Deadline(milliseconds: 1_005_000))
        #expect(counts(RoundRobin(), servers, Array(repeating: later, count: 30)) == [15, 15])
    }

    @Test func `A server that is full, down or tried is not asked`() {
        let full = ServerState(name: "full", maximumRequests: 1)
        #expect([full.enter(), full.enter()] == [true, false])
        let server = UpstreamServer(
            index: 0, name: "full", weight: 1, isSecure: false, addresses: [Self.address], state: full)
        for balancer in [RoundRobin(), LeastConnections(), RandomTwo(), ConsistentHash()] {
            #expect(balancer.choose(from: [server], except: TriedServers(), for: request) == nil)
        }
        full.leave()
        #expect(RoundRobin().choose(from: [server], except: TriedServers(), for: request) === server)
    }
}
