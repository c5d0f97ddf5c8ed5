extension StatusScript {
    /// The connection to the gateway: what is shown while there is none, and how it comes back.
    static let stream = #"""
        const patience = 5000;
        let source = null;
        let retry = null;
        let pause = 1000;
        // When the last document came, by the clock of the browser.
        let heard = null;

        function showLink() {
          const link = byId("link");
          const stale = byId("stale");
          const silent = heard == null ? null : Date.now() - heard;
          const isLost = silent == null ? pause > 1000 : silent > patience;
          const [kind, symbol, text] = isLost ? ["bad", "bad", "Connection lost"]
            : silent == null ? ["wait", "wait", "Connecting"] : ["ok", "ok", "Live"];
          if (link.lastElementChild.textContent !== text) setBadge(link, kind, symbol, text);
          stale.hidden = !isLost;
          if (!isLost) return;
          setText(stale, heard == null ? "The gateway does not answer. Trying again."
            : "No news from the gateway since " + clock.format(heard) + ". All figures are from then. Trying again.");
          document.title = "✗ connection lost – Isagate";
        }

        function connect() {
          retry = null;
          source?.close();
          source = new EventSource("/events");
          const take = (show) => (event) => {
            heard = Date.now();
            pause = 1000;
            show(JSON.parse(event.data));
            showLink();
          };
          source.addEventListener("history", take(showHistory));
          source.addEventListener("status", take(showDocument));
          source.addEventListener("error", () => {
            // After a refusal the browser does not try again by itself.
            if (source.readyState !== EventSource.CLOSED || retry) return;
            pause = Math.min(2 * pause, 15000);
            retry = setTimeout(connect, pause);
            showLink();
          });
        }

        // A page that nobody sees costs nothing: it leaves, and asks again when it is looked at.
        document.addEventListener("visibilitychange", () => {
          clearTimeout(retry);
          retry = null;
          if (document.hidden) source?.close();
          else connect();
        });
        setInterval(() => { if (!document.hidden) showLink(); }, 1000);
        connect();

        """#
}
