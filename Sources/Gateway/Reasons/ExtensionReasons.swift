import ISAPI

extension ReasonCatalogue {
    /// What extensions do wrong, and why they cannot be loaded.
    static let ofExtensions: [Reason] = [
        Reason(
            .misbehaviour, "queue full", status: 503,
            Explanation(
                "queue_full", .ownExtension, "As many requests wait for a thread of the extension as queue allows.",
                "Look for what makes the extension slow; raise threads or queue of its pool.")),
        Reason(
            .misbehaviour, "not loaded within the request timeout", status: 504,
            Explanation(
                "not_loaded_in_time", .ownExtension, "The extension was being loaded for as long as request_timeout.",
                "Look for what DllMain and GetExtensionVersion wait for; load it earlier with load: startup.")),
        Reason(
            .misbehaviour, "body longer than its Content-Length",
            Explanation(
                "body_longer", .ownExtension,
                "The extension wrote more than the Content-Length it gave; the rest was left out.",
                "Correct the Content-Length, or leave it out: the gateway then frames the response.")),
        Reason(
            .misbehaviour, "body shorter than its Content-Length",
            Explanation(
                "body_shorter", .ownExtension,
                "The extension wrote less than the Content-Length it gave; the connection was closed.",
                "Correct the Content-Length, or leave it out: the gateway then frames the response.")),
        Reason(
            .misbehaviour, "its chunked body is malformed: *",
            Explanation(
                "extension_chunks_malformed", .ownExtension,
                "The extension writes chunks itself, and one of them is invalid.",
                "Remove Transfer-Encoding and the chunks from the extension: the gateway frames the response.")),
        Reason(
            .misbehaviour, "its chunked body has no end",
            Explanation(
                "extension_chunks_unfinished", .ownExtension,
                "The extension writes chunks itself, and returned before the last.",
                "Remove Transfer-Encoding and the chunks from the extension: the gateway frames the response.")),
        Reason(
            .misbehaviour, "internal requests stand too deep in each other",
            Explanation(
                "internal_requests_too_deep", .ownExtension, "Extensions call URLs of each other more than eight deep.",
                "Look for an HSE_REQ_EXEC_URL that leads back to the same extension.")),
        Reason(
            .misbehaviour, "left out of a response: *",
            Explanation(
                "response_head_flaw", .ownExtension,
                "The head that the extension gave has a status or fields which would damage the response.",
                "Correct what the extension passes to SEND_RESPONSE_HEADER.")),
        Reason(
            .misbehaviour, "returned without a response", status: 500,
            Explanation(
                "returned_without_response", .ownExtension,
                "The extension returned success and had not written anything.",
                "Have it write a response, or return HSE_STATUS_PENDING until it has.")),
        Reason(
            .misbehaviour, "returned HSE_STATUS_ERROR", status: 500,
            Explanation(
                "returned_error", .ownExtension, "The extension itself reported that it failed.",
                "Look at the extension's own log for the number of the request.")),
        Reason(
            .misbehaviour, "returned the unknown status *", status: 500,
            Explanation(
                "returned_unknown_status", .ownExtension,
                "HttpExtensionProc returned a number that the contract does not have.",
                "Return one of the HSE_STATUS constants.")),
        Reason(
            .misbehaviour, "no control block left", status: 500,
            Explanation(
                "no_control_block", .ownExtension,
                "The extension keeps so many requests pending that none can be added.",
                "Call HSE_REQ_DONE_WITH_SESSION for each pending request.")),
        Reason(
            .misbehaviour, "its process * while it ran this request", status: 502,
            Explanation(
                "process_ended_in_request", .ownExtension,
                "The process of an isolated extension ended with the request in it.",
                "Look at the crash report in the log and at isagate pools.")),
        Reason(
            .misbehaviour, "it has no process at present", status: 503,
            Explanation(
                "no_process", .ownExtension,
                "The pool of the extension is stopped, or its process could not be started.",
                "Look at isagate pools and at the log for why.")),
        Reason(
            .misbehaviour, "the request ended early: *",
            Explanation(
                "request_ended_early", .client,
                "The body of the request failed after the extension had begun its response.",
                "Explain the reason behind the colon.")),
        Reason(
            .misbehaviour, "no response within the request timeout", status: 504,
            Explanation(
                "no_response_in_time", .ownExtension, "The extension did not respond within its request_timeout.",
                "Look for what makes the extension slow, or raise request_timeout.")),
        Reason(
            .misbehaviour, "no room to hold the request: *", status: 507,
            Explanation(
                "no_room_for_extension", .gateway,
                "spool_request has to keep the body in a file, and writing it failed.",
                "Free space where temporary files are kept.")),
        Reason(
            .misbehaviour, "called * after the end of its request",
            Explanation(
                "called_after_end", .ownExtension,
                "The extension used a control block whose request had ended; nothing was done.",
                "Correct the extension: after HSE_REQ_DONE_WITH_SESSION, or the return, a control block is gone.")),
        Reason(
            .misbehaviour, "called * with a ConnID that never was one",
            Explanation(
                "called_with_wrong_connection", .ownExtension,
                "The extension passed a ConnID that the gateway never gave.",
                "Correct the extension: pass ConnID of the control block, unchanged.")),
        Reason(
            .extensionNotLoaded, "the library does not export *",
            Explanation(
                "missing_entry_point", .ownExtension,
                "The library lacks a function that every extension has to export.",
                "Export GetExtensionVersion and HttpExtensionProc with C linkage; isagate probe FILE lists what "
                    + "is missing."
            )),
        Reason(
            .extensionNotLoaded, "DllMain refused to attach (last error *)",
            Explanation(
                "attach_refused", .ownExtension, "DllMain of the library returned FALSE for DLL_PROCESS_ATTACH.",
                "Look at the extension's own log; the number is what it set with SetLastError.")),
        Reason(
            .extensionNotLoaded, "GetExtensionVersion returned FALSE (last error *)",
            Explanation(
                "version_refused", .ownExtension, "GetExtensionVersion of the library returned FALSE.",
                "Look at the extension's own log; the number is what it set with SetLastError.")),
        Reason(
            .extensionNotLoaded, "its process could not be started: *",
            Explanation(
                "process_not_started", .operation, "The process of an isolated extension did not become ready.",
                "Check user, limits, cgroup and sandbox of the pool; the log says what failed.")),
        Reason(
            .extensionNotLoaded, "cannot load *",
            Explanation(
                "library_not_opened", .operation, "The system's loader cannot open the library, or one that it needs.",
                "Run isagate probe FILE and ldd FILE; install what is missing.")),
    ]
}

extension EndReason {
    static var reasons: [Reason] {
        allCases.map { Reason(.processEnded, $0.rawValue, otherTexts: ["it \($0.text)"], $0.explanation) }
    }

    private var explanation: Explanation {
        switch self {
        case .requests: .recycled("ended_requests", "The process has served as many requests as recycle.requests.")
        case .after: .recycled("ended_after", "The process is as old as recycle.after.")
        case .schedule: .recycled("ended_at", "It is one of the times of day in recycle.at.")
        case .privateMemory:
            Explanation(
                "ended_private_memory", .ownExtension,
                "The process has more memory of its own than recycle.private_memory.",
                "No request was lost. If it happens often, look for a leak in the extension.")
        case .processorTime:
            Explanation(
                "ended_cpu", .ownExtension, "The process has used more processor time than recycle.cpu allows.",
                "No request was lost. If it happens often, look for a loop in the extension.")
        case .unhealthy:
            Explanation(
                "ended_unhealthy", .ownExtension, "The extension reported itself unhealthy (HSE_REQ_REPORT_UNHEALTHY).",
                "No request was lost. The log has the reason that the extension gave.")
        case .command: .recycled("ended_command", "isagate pools recycle was called.")
        case .crash:
            Explanation(
                "ended_crash", .ownExtension, "The process ended by itself or by a signal, with its requests.",
                "Look at the crash report in the log, which has the functions that were running.")
        case .ping:
            Explanation(
                "ended_ping", .ownExtension, "The process did not answer within ping.timeout, and was killed.",
                "Look for what blocks all of the process, such as a loader lock; or raise ping.timeout.")
        case .requestTimeout:
            Explanation(
                "ended_request_timeout", .ownExtension, "A request stayed in the extension after request_timeout.",
                "Look for what makes the extension slow, or raise request_timeout.")
        case .protocolViolation:
            Explanation(
                "ended_protocol", .ownExtension, "The process sent the gateway something that has no meaning.",
                "Look for memory that the extension overwrites; report it if the extension is innocent.")
        case .startLimit:
            Explanation(
                "ended_start_limit", .ownExtension, "The process was not ready within start_limit of the pool.",
                "Look for what DllMain and GetExtensionVersion wait for, or raise start_limit.")
        case .idle: .recycled("ended_idle", "The process had no requests for idle_stop.")
        case .stop: .recycled("ended_stop", "The process is not needed after a reload, or at the end of the gateway.")
        }
    }
}

extension Explanation {
    /// The end of a process that is as configured.
    fileprivate static func recycled(_ code: String, _ meaning: String) -> Self {
        Self(code, .operation, meaning, "Nothing: this is as configured, and no request was lost.")
    }
}

extension ReasonCatalogue {
    /// Why `/readyz` answers 503.
    static let ofReadiness: [Reason] = [
        Reason(
            .notReady, "draining", status: 503,
            Explanation(
                "draining", .operation,
                "The gateway ends: it finishes the requests it has, and takes new ones for drain.delay at most.",
                "Nothing, if the end was requested.")),
        Reason(
            .notReady, "certificate_expired", otherTexts: ["listener * has no certificate that is valid now"],
            status: 503,
            Explanation(
                "certificate_expired", .operation,
                "A certificate that is served has expired. The gateway is not ready where a listener has no other.",
                "Renew the certificate and reload; check the clock of the machine.")),
        Reason(
            .notReady, "pool_starting", otherTexts: ["no process of pool * is ready yet"], status: 503,
            Explanation(
                "pool_starting", .ownExtension, "The processes of a pool load their extensions at present.",
                "Wait for start_limit; isagate pools shows the processes.")),
        Reason(
            .notReady, "pool_stopped", otherTexts: ["the processes of pool * have crashed too often"], status: 503,
            Explanation(
                "pool_stopped", .ownExtension,
                "The processes of a pool have crashed more often than rapid_fail allows.",
                "Correct the crash; isagate pools start NAME starts it before the pause is over.")),
        Reason(
            .notReady, "extension_not_loaded", otherTexts: ["extension * could not be loaded"], status: 503,
            Explanation(
                "extension_not_loaded", .operation, "An extension that is loaded at the start could not be.",
                "Look at the log for why, or run isagate probe FILE.")),
        Reason(
            .notReady, "not_serving", otherTexts: ["nothing is served"], status: 503,
            Explanation(
                "not_serving", .gateway, "The gateway has not started to serve, or has stopped.",
                "Wait for the start; look at the log if it takes long.")),
    ]

    /// What lasts while requests are served, and that somebody should act on.
    static let ofConditions: [Reason] = [
        Reason(
            .condition, "acme_failing", otherTexts: ["no new certificate for *", "acme: no certificate for *"],
            Explanation(
                "acme_failing", .operation,
                "A certificate could not be ordered or renewed. The last one is served as long as it is valid.",
                "Read what the authority says in the same line. Most often it cannot connect to the host: its name has to "
                    + "lead here, and port 80 for http-01, or 443 for tls-alpn-01, has to be reachable. It is tried again "
                    + "by itself.")),
        Reason(
            .condition, "acme_placeholder", otherTexts: ["no certificate for * was issued yet"],
            Explanation(
                "acme_placeholder", .operation,
                "The first certificate for a name is still being ordered; clients get one that the gateway has signed.",
                "Wait a minute. If it lasts, acme_failing tells why.")),
        Reason(
            .condition, "etcd_failing",
            otherTexts: [
                "the servers of upstream * cannot be learned from etcd: *",
                "etcd: the servers of upstream * cannot be learned: *",
            ],
            Explanation(
                "etcd_failing", .operation,
                "No member of etcd can be asked for the servers of an upstream, or what it answers cannot be used or kept. "
                    + "The last known servers stay in use.",
                "The text says what failed last. Look whether etcd has a majority, and whether user, password and "
                    + "certificates are those it wants. It is tried again by itself.")),
        Reason(
            .condition, "etcd_empty",
            otherTexts: [
                "etcd has no server for upstream *: no key begins with *", "etcd: no key begins with *",
            ],
            Explanation(
                "etcd_empty", .operation,
                "etcd has no key with a server of an upstream. If it had some before, those stay in use.",
                "Look with etcdctl get --prefix whether servers register below the prefix of servers_from. To use none "
                    + "on purpose, change the configuration.")),
        Reason(
            .condition, "etcd_value_refused",
            otherTexts: ["key * of upstream * cannot be used: *", "etcd: key * of upstream * cannot be used: *"],
            Explanation(
                "etcd_value_refused", .operation,
                "The value of a key in etcd is none of a server. The server that the key had before stays in use; other "
                    + "keys are not affected.",
                "Put a value as an element of servers has it, such as http://10.0.0.1:9000.")),
        Reason(
            .condition, "certificate_expiring",
            Explanation(
                "certificate_expiring", .operation, "A certificate that is served expires within 14 days.",
                "Find out why it was not renewed; isagate certs lists all, and isagate reload takes a new one over.")),
        Reason(
            .condition, "pool_process_crashed",
            Explanation(
                "pool_process_crashed", .ownExtension, "A process of a pool has crashed within the last ten minutes.",
                "Look at the log for the signal, the requests and the back trace; isagate pools shows the last ends.")),
        Reason(
            .condition, "upstream_server_down", otherTexts: ["upstream * is down"],
            Explanation(
                "upstream_server_down", .upstream, "The health check of a server fails, and it gets no requests.",
                "Look at the log for how it fails; ask the server directly for the path of its check.")),
        Reason(
            .condition, "upstream_server_ejected",
            otherTexts: ["upstream * is left out for a while, because requests to it failed"],
            Explanation(
                "upstream_server_ejected", .upstream, "So many requests to a server failed that it is left out.",
                "Look at the log for how they failed; it gets requests again when the time of eject is over.")),
        Reason(
            .condition, "shared_engine_lost", otherTexts: ["shared engine * is lost: *"],
            Explanation(
                "shared_engine_lost", .operation,
                "A Redis server under shared cannot be used; limits that it counts do what on_failure says.",
                "The line of the log has the reason. Ask the server with redis-cli from the machine of the gateway; the "
                    + "gateway connects again by itself.")),
        Reason(
            .condition, "reload_refused",
            otherTexts: ["the last reload was refused*", "reload failed, everything stays as it was"],
            Explanation(
                "reload_refused", .operation, "The last reload changed nothing, because its configuration has errors.",
                "Correct what the log and isagate check name, and reload again.")),
        Reason(
            .condition, "gateway_process_replaced",
            Explanation(
                "gateway_process_replaced", .gateway,
                "The gateway process crashed or stopped answering within the last hour, and another one serves.",
                "Look at the log for its crash report; run the extension that it names isolated.")),
    ]

    /// Why a command, or a reload, is not carried out.
    static let ofCommands: [Reason] = [
        Reason(
            .commandRefused, "a reload is under way, or the gateway is starting or stopping",
            Explanation(
                "busy", .operation, "Only one reload is carried out at a time (exit code 75).",
                "Repeat the command when the other one has finished.")),
        Reason(
            .commandRefused, "only root and the gateway's own account may ask",
            Explanation(
                "not_allowed", .operation, "The command was run by an account that may not control the gateway.",
                "Run it as root, or as the account of the supervisor.")),
        Reason(
            .commandRefused, "* clients are connected already",
            Explanation(
                "too_many_commands", .operation, "As many commands wait for the gateway as it serves at a time.",
                "Repeat the command; look for a monitoring script that hangs.")),
        Reason(
            .commandRefused, "the reload takes longer than expected and goes on",
            Explanation(
                "reload_slow", .gateway, "The reload was not complete within 90 s; its result is in the log.",
                "Wait for the log; look for an extension whose GetExtensionVersion does not return.")),
        Reason(
            .commandRefused, "no gateway process serves", otherTexts: ["the gateway process does not answer"],
            Explanation(
                "no_gateway_process", .gateway,
                "The gateway process has died or hangs, and its replacement does not serve yet.",
                "Look at the log for the crash report; the supervisor starts another process.")),
        Reason(
            .commandRefused, "no gateway listens on *",
            Explanation(
                "not_running", .operation, "Nothing listens on admin.socket (exit code 69).",
                "Start the gateway, or name the configuration file that it runs with by --config.")),
        Reason(
            .commandRefused, "the gateway process cannot be reached: *",
            Explanation(
                "gateway_unreachable", .gateway, "The supervisor cannot pass the configuration to the gateway process.",
                "Look at the log for the end of that process, and reload again.")),
        Reason(
            .commandRefused, "listener *: no site with certificates listens on it",
            Explanation(
                "listener_without_certificates", .operation,
                "A listener with TLS has no site that could show a certificate.",
                "Give a site certificates, or remove tls from the listener.")),
        Reason(
            .commandRefused, "listener *: cannot bind *",
            Explanation(
                "cannot_bind", .operation,
                "The address is used by another program, is not this machine's, or needs root.",
                "Find the other program with ss -ltnp; ports below 1024 need root or CAP_NET_BIND_SERVICE.")),
    ]
}
