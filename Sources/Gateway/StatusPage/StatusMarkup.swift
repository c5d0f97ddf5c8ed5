/// The parts of the status page that are always there; its script fills them in.
enum StatusMarkup {
    /// The icon is the gate of the page's head.
    static let head = #"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Isagate</title>
        <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath
         fill='%232563c9' d='M3 22V11a9 9 0 0 1 18 0v11h-4V11a5 5 0 0 0-10 0v11zm7 0V11h1.5v11zm2.5 0V11H14v11z'/%3E%3C/svg%3E">

        """#

    static let body = #"""
        </head>
        <body>
        <svg width="0" height="0" aria-hidden="true" class="symbols">
        <symbol id="i-ok" viewBox="0 0 16 16"><path d="M3 8.5 6.5 12 13 4.5"/></symbol>
        <symbol id="i-bad" viewBox="0 0 16 16"><path d="m4 4 8 8m0-8-8 8"/></symbol>
        <symbol id="i-warn" viewBox="0 0 16 16"><path d="M8 2.5 14.5 14h-13zM8 6.5v3.2m0 1.9v.3"/></symbol>
        <symbol id="i-wait" viewBox="0 0 16 16"><path d="M8 4.5V8l2.5 1.5M8 1.8a6.2 6.2 0 1 0 .01 0z"/></symbol>
        <symbol id="i-idle" viewBox="0 0 16 16"><path d="M3.5 8h9"/></symbol>
        <symbol id="i-drain" viewBox="0 0 16 16"><path d="M8 2v8m-3.5-3.2L8 10.3l3.5-3.5M3 13.8h10"/></symbol>
        <symbol id="i-gate" viewBox="0 0 24 24"><path
         d="M3 22V11a9 9 0 0 1 18 0v11h-4V11a5 5 0 0 0-10 0v11zm7 0V11h1.5v11zm2.5 0V11H14v11z"/></symbol>
        </svg>
        <a class="skip" href="#main">Skip to the state of the gateway</a>
        <header>
        <div class="bar">
        <svg class="mark" aria-hidden="true"><use href="#i-gate"/></svg>
        <h1>Isagate <span id="version"></span></h1>
        <p id="link" class="badge wait" role="status"><svg class="icon" aria-hidden="true"><use href="#i-wait"/></svg>
        <span>Connecting</span></p>
        </div>
        <nav aria-label="Sections"><ul>
        <li><a href="#traffic">Traffic</a></li>
        <li><a href="#problems">Problems <span class="count" id="problem-count"></span></a></li>
        <li><a href="#sites">Sites</a></li>
        <li><a href="#extensions">Extensions</a></li>
        <li><a href="#upstreams">Upstreams</a></li>
        <li><a href="#certificates">Certificates</a></li>
        <li><a href="#reloads">Reloads</a></li>
        <li><a href="#limits">Limits</a></li>
        </ul></nav>
        </header>
        <noscript><p class="notice">This page needs JavaScript. The same facts are in
        <a href="/status.json">/status.json</a> and <a href="/metrics">/metrics</a>.</p></noscript>
        <main id="main" tabindex="-1">
        <p id="stale" class="notice" role="alert" hidden></p>
        <section id="state" aria-labelledby="verdict" class="card">
        <div id="sign" class="sign wait"><svg aria-hidden="true"><use href="#i-wait"/></svg></div>
        <div>
        <h2 id="verdict" aria-live="polite">Waiting for the gateway</h2>
        <p id="facts" class="soft"></p>
        <ul id="attention" class="attention" aria-label="What needs attention"></ul>
        </div>
        </section>

        <section id="traffic" aria-labelledby="traffic-title">
        <h2 id="traffic-title">Traffic</h2>
        <dl class="tiles">
        <div class="card"><dt>Requests per second</dt><dd id="rate">–</dd><dd class="soft" id="rate-more"></dd></div>
        <div class="card"><dt>Failed, last minute</dt><dd id="errors">–</dd><dd class="soft" id="errors-more"></dd></div>
        <div class="card"><dt>99 % answered within</dt><dd id="p99">–</dd><dd class="soft" id="p99-more"></dd></div>
        <div class="card"><dt>Open connections</dt><dd id="open">–</dd><dd class="soft" id="open-more"></dd></div>
        </dl>
        <div id="charts" class="charts"></div>
        <details id="chart-table"><summary>The last 15 minutes as a table</summary><div></div></details>
        </section>

        <section id="problems" aria-labelledby="problems-title">
        <h2 id="problems-title">Problems</h2>
        <p class="soft lead">What was refused, cut or failed, the latest first, and what to do about it.</p>
        <div id="problem-list" class="card rows"></div>
        </section>

        <section id="sites" aria-labelledby="sites-title">
        <h2 id="sites-title">Sites and routes</h2>
        <div id="site-table"></div>
        </section>

        <section id="extensions" aria-labelledby="extensions-title">
        <h2 id="extensions-title">Extensions and pools</h2>
        <div id="extension-table"></div>
        <div id="pool-list" class="cards"></div>
        </section>

        <section id="upstreams" aria-labelledby="upstreams-title">
        <h2 id="upstreams-title">Upstreams</h2>
        <div id="upstream-list" class="cards"></div>
        </section>

        <section id="certificates" aria-labelledby="certificates-title">
        <h2 id="certificates-title">Certificates</h2>
        <div id="certificate-table"></div>
        </section>

        <section id="reloads" aria-labelledby="reloads-title">
        <h2 id="reloads-title">Reloads and restarts</h2>
        <div id="reload-list" class="card rows"></div>
        </section>

        <section id="limits" aria-labelledby="limits-title">
        <h2 id="limits-title">Limits</h2>
        <p class="soft lead">What is bounded, the fullest first.</p>
        <div id="limit-list" class="card meters"></div>
        </section>

        <section id="process" aria-labelledby="process-title">
        <h2 id="process-title">Event loops and listeners</h2>
        <div class="pair"><div id="worker-table"></div><div id="listener-table"></div></div>
        </section>
        </main>
        <footer class="soft">
        <p>This page only shows. The same for programs: <a href="/status.json">status.json</a>,
        <a href="/metrics">metrics</a>, <a href="/readyz">readyz</a>. Times are those of this browser’s time zone.</p>
        </footer>

        """#
}
