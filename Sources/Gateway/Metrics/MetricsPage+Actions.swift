import ISAPI
import Proxy
import StaticFiles

/// What routes lead to: upstreams, files, extensions.
extension MetricsPage {
    // MARK: Upstreams

    mutating func addUpstreams(_ upstreams: [UpstreamStatus]) {
        let servers = upstreams.flatMap { upstream in upstream.servers.map { (upstream.name, $0) } }
        page.begin("isagate_upstream_waiting_requests", .gauge, "Requests that wait because every server is full.")
        for one in upstreams { page.add(one.waitingRequests, ["upstream": one.name]) }
        page.begin(
            "isagate_upstream_server_up", .gauge, "Whether requests are sent to the server: 0 if down or ejected.")
        for (upstream, server) in servers {
            page.add(server.state == "up" ? 1 : 0, ["upstream": upstream, "server": server.url])
        }
        page.begin("isagate_upstream_server_ejected", .gauge, "Whether the server is ejected because requests failed.")
        for (upstream, server) in servers {
            page.add(server.state == "ejected" ? 1 : 0, ["upstream": upstream, "server": server.url])
        }
        page.begin(
            "isagate_upstream_active_requests", .gauge, "Requests in progress at servers that have a limit for them.")
        for (upstream, server) in servers {
            guard let active = server.activeRequests else { continue }
            page.add(active, ["upstream": upstream, "server": server.url])
        }
        page.begin("isagate_upstream_tunnels", .gauge, "Connections to the server that have switched protocols.")
        for (upstream, server) in servers { page.add(server.tunnels, ["upstream": upstream, "server": server.url]) }
        page.begin("isagate_upstream_tunnel_bytes", .counter, "Bytes through tunnels by direction.")
        for (upstream, server) in servers {
            page.add(server.tunnelBytesToServer, ["upstream": upstream, "server": server.url, "to": "server"])
            page.add(server.tunnelBytesToClients, ["upstream": upstream, "server": server.url, "to": "client"])
        }
    }

    /// What workers have counted of servers.
    mutating func addCounters(of view: UpstreamView) {
        func add(_ name: String, _ help: String, _ number: (ServerCounters) -> UInt64) {
            page.begin(name, .counter, help)
            for upstream in view.upstreams {
                for (index, server) in upstream.servers.enumerated() {
                    page.add(upstream.sum(index, number), ["upstream": upstream.name, "server": server.name])
                }
            }
        }
        add("isagate_upstream_requests", "Attempts to forward a request to the server.") { $0.requests.count }
        add("isagate_upstream_failures", "Attempts that failed because of the server.") { $0.failures.count }
        add("isagate_upstream_retries", "Requests that were sent to another server then.") { $0.retries.count }
        add("isagate_upstream_ejections", "How often the server was ejected.") { $0.ejections.count }
        add("isagate_upstream_connections", "New connections to the server.") { $0.connections.count }
        page.begin(
            "isagate_upstream_request_seconds", .counter,
            "The time of all attempts together, from the choice of the server to the end of the response.")
        for upstream in view.upstreams {
            for (index, server) in upstream.servers.enumerated() {
                page.add(
                    Double(upstream.sum(index) { $0.milliseconds.count }) / 1000,
                    ["upstream": upstream.name, "server": server.name])
            }
        }
    }

    // MARK: Shared limits

    mutating func addEngines(_ engines: [SharedEngineStatus]) {
        guard !engines.isEmpty else { return }
        page.begin("isagate_shared_up", .gauge, "Whether the Redis server of shared limits is used: 0 if it is lost.")
        for one in engines { page.add(one.problem == nil ? 1 : 0, ["engine": one.name]) }
        page.begin("isagate_shared_instances", .gauge, "Gateways that have reported there lately, with this one.")
        for one in engines { page.add(one.instances, ["engine": one.name]) }
        func add(_ name: String, _ help: String, _ number: (SharedEngineStatus) -> UInt64) {
            page.begin(name, .counter, help)
            for one in engines { page.add(number(one), ["engine": one.name]) }
        }
        add("isagate_shared_commands", "Commands for the server, whether or not it could be reached.") { $0.commands }
        add("isagate_shared_failures", "Commands that had no reply.") { $0.failures }
        add("isagate_shared_sends", "Sends of commands: those of one turn of a worker leave in one.") { $0.sends }
        add("isagate_shared_connections", "New connections to the server.") { $0.connections }
        page.begin("isagate_shared_command_seconds", .counter, "The time of all commands together, to their replies.")
        for one in engines { page.add(Double(one.microseconds) / 1e6, ["engine": one.name]) }
    }

    // MARK: Files

    mutating func addFileCache(_ caches: [FileCacheCounters]) {
        page.begin("isagate_file_cache_lookups", .counter, "Look-ups of files since the last reload, by result.")
        page.add(caches.reduce(0) { $0 + $1.hits.count }, ["result": "hit"])
        page.add(caches.reduce(0) { $0 + $1.misses.count }, ["result": "miss"])
        page.begin("isagate_file_cache_evictions", .counter, "Files that lost their place for memory.")
        page.add(caches.reduce(0) { $0 + $1.evictions.count })
    }

    // MARK: Extensions

    mutating func addExtensions(_ extensions: [ExtensionStatus], _ view: ExtensionView?) {
        page.begin("isagate_extension_loaded", .gauge, "Whether the extension is loaded.")
        for one in extensions {
            page.add(one.description == nil ? 0 : 1, ["extension": one.name, "pool": one.pool ?? ""])
        }
        page.begin("isagate_extension_requests", .gauge, "Requests at the extension at present, by state.")
        for one in extensions {
            guard let load = view?.load(of: one.name) else { continue }
            page.add(load.waiting, ["extension": one.name, "state": "waiting"])
            page.add(load.running, ["extension": one.name, "state": "running"])
            page.add(load.pending, ["extension": one.name, "state": "pending"])
        }
    }

    /// What workers have counted of extensions' requests.
    mutating func addExtensionCounters(_ names: [String], _ view: ExtensionView?) {
        let counters = names.map { (name: $0, workers: view?.counters(of: $0) ?? []) }
        page.begin("isagate_extension_calls", .counter, "Requests that an extension has ended.")
        for one in counters {
            page.add(one.workers.reduce(0) { $0 + $1.requests.count }, ["extension": one.name])
        }
        page.begin("isagate_extension_wait_seconds", .counter, "The time in which all of them waited for a thread.")
        for one in counters {
            page.add(Double(one.workers.reduce(0) { $0 + $1.waited.count }) / 1e6, ["extension": one.name])
        }
        page.begin(
            "isagate_extension_run_seconds", .counter,
            "The time in which all of them ran, from the call of HttpExtensionProc to the end of the request.")
        for one in counters {
            page.add(Double(one.workers.reduce(0) { $0 + $1.ran.count }) / 1e6, ["extension": one.name])
        }
        page.begin(
            "isagate_extension_errors", .counter, "Requests that the extension did not answer, or answered as an error."
        )
        for one in counters {
            for failure in ExtensionCounters.Failure.allCases {
                let count = one.workers.reduce(0) { $0 + $1.count(of: failure) }
                page.add(count, ["extension": one.name, "reason": failure.word])
            }
        }
    }

    mutating func addPools(_ pools: [ProcessPoolStatus]) {
        // A pool that ends has a successor of the same name.
        let names = Dictionary(grouping: pools, by: \.name).sorted { $0.key < $1.key }
        page.begin("isagate_pool_state", .gauge, "The state of each pool of processes, as a label of the value 1.")
        for (name, group) in names {
            let state = (group.first { $0.state != "ending" } ?? group[0]).state
            page.add(1, ["pool": name, "state": state])
        }
        page.begin("isagate_pool_processes", .gauge, "Processes of the pool by state.")
        for (name, group) in names {
            let processes = group.flatMap(\.processes)
            for state in ["starting", "ready", "ending"] {
                page.add(processes.count { $0.state == state }, ["pool": name, "state": state])
            }
        }
        page.begin("isagate_pool_active_requests", .gauge, "Requests in the processes of the pool.")
        for (name, group) in names {
            page.add(group.flatMap(\.processes).reduce(0) { $0 + $1.requests }, ["pool": name])
        }
        page.begin("isagate_pool_private_memory_bytes", .gauge, "Private memory of the processes of the pool.")
        for (name, group) in names {
            page.add(group.flatMap(\.processes).reduce(0) { $0 + $1.privateMemory }, ["pool": name])
        }
        page.begin("isagate_pool_process_ends", .counter, "Processes of the pool that have ended, by reason.")
        for (name, group) in names {
            var ends: [String: Int] = [:]
            for pool in group { ends.merge(pool.ends, uniquingKeysWith: +) }
            for (reason, count) in ends.sorted(by: { $0.key < $1.key }) {
                page.add(count, ["pool": name, "reason": reason])
            }
        }
    }
}
