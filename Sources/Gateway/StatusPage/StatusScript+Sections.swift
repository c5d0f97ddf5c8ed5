extension StatusScript {
    /// What is shown of each document of the gateway.
    static let sections = #"""
        const rates = new Rates();

        const serverStates = {
          up: ["ok", "ok", "up"], down: ["bad", "bad", "down"], ejected: ["warn", "warn", "left out"],
        };
        const poolStates = {
          running: ["ok", "ok", "running"], idle: ["wait", "idle", "idle"], stopped: ["bad", "bad", "stopped"],
          ending: ["wait", "drain", "ending"], starting: ["wait", "wait", "starting"], ready: ["ok", "ok", "ready"],
        };
        const crashes = new Set(["crash", "ping", "request_timeout", "protocol"]);
        const stateOf = (states, word) => states[word] ?? ["wait", "wait", word];
        const days = (seconds) => Math.floor(seconds / 86400);
        const near = (row) => row.used / row.limit >= 0.8;
        const limitText = ({ used, limit }) => figure(used) + " of " + figure(limit) + " (" + share(used, limit) + ")";
        const noticed = 14 * 86400;
        const conditionKinds = {
          certificate_expiring: ["warn", "certificates"], pool_process_crashed: ["warn", "extensions"],
          upstream_server_down: ["warn", "upstreams"], upstream_server_ejected: ["warn", "upstreams"],
          shared_engine_lost: ["warn", "limits"],
          reload_refused: ["warn", "reloads"], gateway_process_replaced: ["warn", "reloads"],
        };

        // MARK: The verdict, and what needs attention

        function findings(doc) {
          const list = [];
          const add = (kind, place, text) => list.push({ kind, place, text });
          for (const { reason, text } of doc.conditions) {
            const [kind, place] = conditionKinds[reason] ?? ["bad", "problems"];
            const sentence = text.charAt(0).toUpperCase() + text.slice(1);
            if (reason !== "draining") add(kind, place, sentence + " · " + reason);
          }
          const served = doc.gateway;
          if (!served) return list;
          for (const row of served.limits.rows) if (near(row)) add("warn", "limits", "Near the limit: " + row.name);
          for (const { name, lost } of served.logs) {
            if (lost) add("warn", "limits", "Log " + name + " has lost " + many(lost, "line"));
          }
          return list;
        }

        function showState(doc) {
          const found = findings(doc);
          const served = doc.gateway;
          const [kind, symbol, text] = doc.isDraining
            ? ["warn", "drain", "Draining: requests in progress are finished, then the gateway ends"]
            : !doc.readiness.ready ? ["bad", "bad", "Not ready: requests should go elsewhere"]
            : found.length ? ["warn", "ok", "Ready, with something to look at"] : ["ok", "ok", "Ready for requests"];
          const sign = byId("sign");
          setAttribute(sign, "class", "sign " + kind);
          setIcon(sign, symbol);
          setText(byId("verdict"), text);
          const title = doc.isDraining ? "↓ draining" : !doc.readiness.ready ? "✗ not ready"
            : found.length ? "! ready" : "✓ ready";
          document.title = title + " – Isagate";
          setText(byId("version"), doc.version);
          const facts = ["process " + doc.pid];
          if (served) facts.unshift("up " + duration(served.uptime), "configuration " + served.generation);
          if (served) facts.push(served.tls);
          if (doc.drainingProcesses) {
            facts.push(many(doc.drainingProcesses, "older process", "older processes") + " finishing");
          }
          setText(byId("facts"), facts.join(" · "));
          sync(byId("attention"), found, (one) => one.text,
            () => make("li", {}, make("a", {}, icon("warn"), make("span"))),
            (node, one) => {
              setAttribute(node.firstElementChild, "href", "#" + one.place);
              setBadge(node.firstElementChild, one.kind, one.kind, one.text);
            });
        }

        function showFigures(doc) {
          const served = doc.gateway;
          if (!served) return;
          const total = served.traffic.classes.reduce((sum, value) => sum + value, 0);
          const sent = rates.of("sent", served.traffic.sent);
          setText(byId("rate"), rateText(rates.of("requests", total)));
          setText(byId("rate-more"), many(total, "request") + " since the start");
          const limit = served.limits.rows.find((row) => row.key === "limits.max_connections")?.limit;
          setText(byId("open"), figure(served.connections));
          setText(byId("open-more"), (limit ? "of " + figure(limit) + ", " : "") + many(served.clients, "client")
            + (sent == null ? "" : ", " + bytes(sent) + "/s sent"));
        }

        // MARK: Problems

        const causes = {
          client: "the client", upstream: "the server behind the gateway", extension: "the extension",
          operator: "the configuration, or a file it names", gateway: "the gateway or its machine",
        };

        function facts(pairs) {
          const list = make("dl");
          for (const [name, value] of pairs) {
            if (value != null && value !== "") list.append(make("dt", {}, name), make("dd", {}, String(value)));
          }
          return list;
        }

        // What an entry of a list begins with.
        const entry = () => [badge(), ...["what", "when", "where"].map((name) => make("span", { class: name }))];

        function showProblems(doc) {
          const place = byId("problem-list");
          const own = doc.reloads.filter((one) => !one.succeeded).map((one) => ({
            topic: "reload refused", reason: one.message.split("\n")[0], detail: null, severity: "error", count: 1,
            last: one.unixSeconds, message: one.message }));
          const restarts = doc.restarts.map((one) => ({
            topic: "gateway process", reason: one.text, severity: "error", count: 1, last: one.unixSeconds }));
          const list = [...doc.problems, ...own, ...restarts].sort((one, other) => other.last - one.last);
          setEmpty(place, !list.length, "ok", "Nothing was refused, cut or failed since this process started.");
          setText(byId("problem-count"), list.length || "");
          const key = (one) => [one.topic, one.subject, one.reason, one.detail, one.message && one.last].join("|");
          sync(place, list, key, () => {
            const node = make("details", {}, make("summary", {}, ...entry()), make("div", { class: "more" }));
            node.addEventListener("toggle", () => node.describe?.());
            return node;
          }, (node, one) => {
            const [mark, what, when, where] = node.firstElementChild.children;
            const kind = one.severity === "error" ? "bad" : "warn";
            setBadge(mark, kind, kind, one.severity === "error" ? "error" : "notice");
            setText(what, one.reason);
            const isNow = one.topic === "not ready";
            const times = one.count > 1 ? figure(one.count) + " times, " : "";
            setText(when, times + (isNow ? "now" : ago(doc.now - one.last)));
            setText(where, [one.topic, one.subject, one.explanation?.code].filter(Boolean).join(" · "));
            node.describe = () => {
              const state = JSON.stringify([one.count, isNow || one.last, one.request]);
              if (!node.open || node.state === state) return;
              node.state = state;
              const about = one.explanation;
              node.lastElementChild.replaceChildren(facts([
                ["What it means", about?.meaning], ["Who causes it", causes[about?.cause]],
                ["What to do", about?.action],
                ["Detail", one.detail], ["All of it", one.message], ["Last client", one.client],
                ["Last request", one.request], ["Last time", moment.format(new Date(one.last * 1000))],
                ["On the command line", about && "isagate explain " + about.code],
              ]));
            };
            node.describe();
          });
        }

        // MARK: Tables

        const siteTable = table(byId("site-table"), "", [
          { title: "Site", value: (row) => row.site || "(no site)" },
          { title: "Route", value: (row) => row.route },
          { title: "Requests/s", number: true,
            value: (row) => rateText(rates.of("site " + row.site + " " + row.route, row.requests)) },
          { title: "Requests", number: true, value: (row) => figure(row.requests) },
          { title: "4xx", number: true, value: (row) => figure(row.clientErrors) },
          { title: "5xx", number: true, value: (row) => figure(row.serverErrors), hot: (row) => row.serverErrors > 0 },
          { title: "50 % within", number: true, value: (row) => milliseconds(row.latency?.p50) },
          { title: "99 % within", number: true, value: (row) => milliseconds(row.latency?.p99) },
          { title: "Sent", number: true, value: (row) => bytes(row.sent) },
        ], (row) => row.site + " " + row.route);

        const extensionTable = table(byId("extension-table"), "", [
          { title: "Extension", value: (row) => row.name },
          { title: "Says of itself", whole: true, value: (row) => row.description ?? "not loaded" },
          { title: "Runs", value: (row) => row.pool === "in_process" ? "in the gateway" : "in pool " + row.pool },
          { title: "Running", number: true, value: (row) => figure(row.running) },
          { title: "Waiting", number: true, value: (row) => figure(row.waiting), hot: (row) => row.waiting > 0 },
          { title: "Pending", number: true, value: (row) => figure(row.pending) },
        ], (row) => row.name);

        const certificateTable = table(byId("certificate-table"), "", [
          { title: "Hosts", value: (row) => row.hosts.join(", ") },
          { title: "State", badge: true, whole: true, value: ({ secondsLeft }) => {
            const kind = secondsLeft < 0 ? "bad" : secondsLeft < noticed ? "warn" : "ok";
            return [kind, kind, secondsLeft < 0 ? "expired" : many(days(secondsLeft), "day") + " left"];
          } },
          { title: "Expires", whole: true, value: (row) => date.format(new Date(row.notAfter)) },
          { title: "Key", whole: true, value: (row) => row.key },
          { title: "Names", whole: true, value: (row) => row.names.join(", ") },
          { title: "File", whole: true, value: (row) => row.file },
        ], (row) => row.hosts.join() + row.file);

        const workerTable = table(byId("worker-table"), "Event loops", [
          { title: "Loop", value: (row) => "Worker " + row.index },
          { title: "Processor", number: true, value: (row) => {
            const used = rates.of("processor " + row.index, row.processor);
            return used == null ? "–" : whole.format(100 * used) + " %";
          } },
          { title: "Answers within", number: true, value: (row) => milliseconds(row.lag * 1000),
            hot: (row) => row.lag > 0.05 },
          { title: "Turns/s", number: true, value: (row) => rateText(rates.of("turns " + row.index, row.turns)) },
        ], (row) => row.index);

        const listenerTable = table(byId("listener-table"), "Listeners", [
          { title: "Listener", value: (row) => row.name },
          { title: "Addresses", whole: true, value: (row) => row.addresses.join(", ") },
        ], (row) => row.name);

        function showList(place, list, show, text, none) {
          const node = byId(place);
          const card = node.querySelector(".card");
          setEmpty(node, !list.count, "idle", none);
          card.hidden = !list.count;
          const isCut = list.count > list.rows.length;
          show(list.rows, isCut ? text + ": " + list.rows.length + " of " + figure(list.count) : text);
        }

        // MARK: Cards

        function card() {
          const mark = badge();
          const head = make("div", { class: "head" }, make("h3"), mark, make("p", { class: "soft" }));
          const node = make("div", { class: "card" }, head, make("div"));
          return Object.assign(node, { mark, place: node.lastElementChild });
        }

        function showPools(pools) {
          sync(byId("pool-list"), pools, (pool) => pool.name, () => {
            const node = card();
            node.table = table(node.place, "", [
              { title: "Process", value: (row) => row.pid },
              { title: "State", badge: true, whole: true, value: (row) => stateOf(poolStates, row.state) },
              { title: "Requests", number: true, value: (row) => figure(row.requests) },
              { title: "Served", number: true, value: (row) => figure(row.served) },
              { title: "Age", number: true, value: (row) => duration(row.ageSeconds) },
              { title: "Memory", number: true, value: (row) => bytes(row.privateMemory) },
              { title: "Processor", number: true, value: (row) => duration(row.processorTime) },
            ], (row) => row.pid);
            node.place.firstElementChild.classList.remove("card");
            node.ends = make("div", { class: "rows" });
            node.append(node.ends);
            return node;
          }, (node, pool) => {
            const [title, , about] = node.firstElementChild.children;
            setText(title, "Pool " + pool.name);
            setBadge(node.mark, ...stateOf(poolStates, pool.state));
            const ended = Object.entries(pool.ends).map(([reason, count]) => many(count, reason, reason));
            setText(about, "Runs " + pool.extensions.join(", ")
              + (pool.stoppedForSeconds != null ? ". Starts again in " + duration(pool.stoppedForSeconds) : "")
              + (ended.length ? ". Ended so far: " + ended.join(", ") : ""));
            node.place.hidden = !pool.processes.length;
            node.table(pool.processes, "Processes");
            sync(node.ends, pool.lastEnds.slice(0, 5), (end) => end.pid + " " + end.reason,
              () => make("div", { class: "row" }, ...entry()),
              (row, end) => {
                const isCrash = crashes.has(end.reason);
                setBadge(row.children[0], isCrash ? "bad" : "wait", isCrash ? "bad" : "drain", end.reason);
                setText(row.children[1], end.text);
                setText(row.children[2], ago(end.secondsAgo));
                const inside = end.requests ? ", with " + many(end.requests, "request") + " in it" : "";
                setText(row.children[3], "Process " + end.pid + inside);
              });
          });
        }

        function showUpstreams(upstreams) {
          const place = byId("upstream-list");
          setEmpty(place, !upstreams.count, "idle", "No upstreams are configured.");
          sync(place, upstreams.rows, (upstream) => upstream.name, () => {
            const node = card();
            const name = (row) => "server " + node.upstream + " " + row.url;
            node.table = table(node.place, "", [
              { title: "Server", value: (row) => row.url },
              { title: "State", badge: true, whole: true, value: (row) => {
                const [kind, symbol, word] = stateOf(serverStates, row.state);
                return [kind, symbol, row.secondsLeft == null ? word : word + ", " + duration(row.secondsLeft)];
              } },
              { title: "Requests/s", number: true, value: (row) => rateText(rates.of(name(row), row.requests)) },
              { title: "Failed", number: true, value: (row) => figure(row.failures), hot: (row) => row.failures > 0 },
              { title: "Retried", number: true, value: (row) => figure(row.retries) },
              { title: "On average", number: true,
                value: (row) => row.requests ? milliseconds(row.milliseconds / row.requests) : "–" },
              { title: "Tunnels", number: true, value: (row) => figure(row.tunnels) },
            ], (row) => row.url);
            node.place.firstElementChild.classList.remove("card");
            return node;
          }, (node, upstream) => {
            node.upstream = upstream.name;
            const [title, , about] = node.firstElementChild.children;
            const up = upstream.servers.filter((server) => server.state === "up").length;
            setText(title, upstream.name);
            const kind = up === upstream.servers.length ? "ok" : up ? "warn" : "bad";
            setBadge(node.mark, kind, kind, up + " of " + many(upstream.servers.length, "server") + " in use");
            const waiting = many(upstream.waiting, "request waits", "requests wait") + " for a server";
            setText(about, upstream.waiting ? waiting : "No request waits");
            node.table(upstream.servers, "Servers");
          });
        }

        // MARK: Reloads, limits

        function showReloads(doc) {
          const place = byId("reload-list");
          const list = [
            ...doc.reloads.map(({ succeeded, unixSeconds, message, changes }) => ({
              time: unixSeconds, kind: succeeded ? "ok" : "bad", word: succeeded ? "done" : "refused",
              text: message.split("\n")[0], lines: succeeded ? changes ?? [] : message.split("\n") })),
            ...doc.restarts.map(({ unixSeconds, text }) => ({
              time: unixSeconds, kind: "bad", word: "replaced", text, lines: [] })),
          ].sort((one, other) => other.time - one.time);
          setEmpty(place, !list.length, "idle",
            "The configuration has not been reloaded, and no gateway process had to be replaced.");
          sync(place, list, (one) => one.time + one.word + one.text, (one) => {
            const top = entry();
            setText(top[1], one.text);
            if (!one.lines.length) return make("div", { class: "row" }, ...top);
            return make("details", {}, make("summary", {}, ...top), make("div", { class: "more" },
              make("ul", {}, ...one.lines.map((line) => make("li", {}, line)))));
          }, (node, one) => {
            const [mark, , when, where] = (node.tagName === "DETAILS" ? node.firstElementChild : node).children;
            setBadge(mark, one.kind, one.kind, one.word);
            setText(when, ago(doc.now - one.time));
            setText(where, moment.format(new Date(one.time * 1000)) + (one.word !== "done" ? "" : one.lines.length
              ? " · " + many(one.lines.length, "change") : " · no change of certificates or extensions"));
          });
        }

        function showLimits(served) {
          const rows = [...served.limits.rows];
          const lost = served.logs.map((log) => ({ name: "log " + log.name, lost: log.lost, lines: log.lines }));
          sync(byId("limit-list"), [...rows, ...lost], (row) => row.name, (row) => {
            const bar = draw("rect", { x: 0, y: 0, height: 8, width: 0 });
            const track = make("div", { class: "track" }, draw("svg", {
              viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, bar));
            const node = make("div", {}, make("div", { class: "top" }, make("span"), make("span")));
            if (row.limit) node.append(track);
            node.append(make("div", { class: "key" }, make("span"), badge()));
            return Object.assign(node, { bar, track });
          }, (node, row) => {
            const [name, value] = node.firstElementChild.children;
            const [key, mark] = node.lastElementChild.children;
            setText(name, row.name);
            setText(value, row.limit ? limitText(row) : many(row.lost, "line") + " lost of " + figure(row.lines));
            setText(key, row.key ?? "lines that could not be written in time");
            const isNear = row.limit ? near(row) : row.lost > 0;
            mark.hidden = !isNear;
            setBadge(mark, "warn", "warn", row.limit ? "near its limit" : "lines were lost");
            node.classList.toggle("near", isNear);
            if (!row.limit) return;
            setAttribute(node.bar, "width", Math.min(100, 100 * row.used / row.limit).toFixed(2));
            apply(node.track, { role: "meter", "aria-label": row.name, "aria-valuemin": 0, "aria-valuemax": row.limit,
              "aria-valuenow": Math.min(row.used, row.limit), "aria-valuetext": limitText(row) }, []);
          });
        }

        function showDocument(doc) {
          rates.begin(doc.now);
          showState(doc);
          showFigures(doc);
          showProblems(doc);
          showReloads(doc);
          const served = doc.gateway;
          if (!served) return;
          showList("site-table", served.sites, siteTable,
            "Requests answered since the process started", "No request has been answered yet.");
          showList("extension-table", served.extensions, extensionTable,
            "Extensions, with their requests at this moment", "No extensions are configured.");
          showPools(served.pools);
          showUpstreams(served.upstreams);
          showList("certificate-table", served.certificates, certificateTable,
            "The first to expire come first", "No certificates are served.");
          showLimits(served);
          workerTable(served.workers);
          listenerTable(served.listeners);
        }

        """#
}
