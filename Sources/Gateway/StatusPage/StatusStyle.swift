/// The style of the status page: light or dark as the reader prefers, from 390 pixels on.
enum StatusStyle {
    static let text = #"""
        :root {
          color-scheme: light dark;
          --page: #f3f5f8; --card: #fff; --line: #dde3ea; --text: #16202c; --soft: #525f6e; --link: #1656c0;
          --ok: #14683a; --ok-back: #e2f4e9; --warn: #7a4a00; --warn-back: #fff1d6; --bad: #a81e17; --bad-back: #fde8e6;
          --wait: #3d4b5c; --wait-back: #e8edf3; --grid: #e6eaf0;
          --c-requests: #1f63d0; --c-client: #96610a; --c-server: #c0271f; --c-p50: #0f7b78; --c-p90: #1f63d0;
          --c-p99: #7a3bc2;
          --shadow: 0 1px 2px rgb(16 32 48 / .06), 0 4px 16px rgb(16 32 48 / .04);
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #0c1117; --card: #151c25; --line: #28323e; --text: #e7edf4; --soft: #9dabba; --link: #8bbcff;
            --ok: #6fdc9a; --ok-back: #12301f; --warn: #f4c06a; --warn-back: #35270c;
            --bad: #ff9d94; --bad-back: #3c1714; --wait: #b6c3d1; --wait-back: #222c37; --grid: #222b36;
            --c-requests: #6ba6ff; --c-client: #e5ac4d; --c-server: #ff8178; --c-p50: #4fd0c8; --c-p90: #6ba6ff;
            --c-p99: #c79bff; --shadow: none;
          }
        }
        * { box-sizing: border-box; }
        html { scroll-padding-top: 7rem; -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--text);
          font: 1rem/1.5 system-ui, "Segoe UI", sans-serif; }
        h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
        ul { list-style: none; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: .25rem; }
        main:focus-visible { outline: none; }
        .symbols { position: absolute; }
        symbol path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
          stroke-linejoin: round; }
        #i-gate path { fill: currentColor; stroke: none; }
        .icon { width: 1em; height: 1em; flex: none; }
        .soft { color: var(--soft); }
        .skip { position: absolute; left: -99rem; z-index: 3; background: var(--card); padding: .75rem 1rem; }
        .skip:focus { left: .5rem; top: .5rem; }
        [hidden] { display: none !important; }

        header { position: sticky; top: 0; z-index: 2; background: var(--card); border-bottom: 1px solid var(--line); }
        .bar { display: flex; align-items: center; gap: .625rem; padding: .75rem 1rem .25rem; }
        .mark { width: 1.75rem; height: 1.75rem; color: var(--link); flex: none; }
        h1 { font-size: 1.1875rem; font-weight: 650; margin-right: auto; }
        h1 span { color: var(--soft); font-size: .8125rem; font-weight: 400; }
        nav ul { display: flex; gap: .25rem; overflow-x: auto; padding: 0 .5rem; scrollbar-width: none; }
        nav a { display: block; padding: .5rem; color: var(--soft); text-decoration: none; white-space: nowrap;
          font-size: .9375rem; outline-offset: -3px; }
        nav a:hover { color: var(--text); text-decoration: underline; text-underline-offset: .375rem; }
        .count:not(:empty) { background: var(--bad-back); color: var(--bad); border-radius: 1rem; padding: 0 .4375rem;
          font-size: .75rem; font-weight: 600; }
        .bar, nav, main, footer { max-width: 84rem; margin-inline: auto; }
        main { padding: 1.25rem 1rem 2rem; }
        section { margin-top: 2rem; }
        section:first-of-type { margin-top: 0; }
        h2 { font-size: 1.1875rem; font-weight: 650; margin-bottom: .625rem; }
        h3 { font-size: 1rem; font-weight: 650; overflow-wrap: anywhere; }
        .lead { margin: -.375rem 0 .75rem; font-size: .9375rem; }
        footer { padding: 1rem; font-size: .875rem; border-top: 1px solid var(--line); }

        .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
          box-shadow: var(--shadow); }
        .badge { display: inline-flex; align-items: center; gap: .375rem; padding: .125rem .625rem; border-radius: 1rem;
          font-size: .8125rem; font-weight: 600; white-space: nowrap; }
        .ok { color: var(--ok); background: var(--ok-back); }
        .warn { color: var(--warn); background: var(--warn-back); }
        .bad { color: var(--bad); background: var(--bad-back); }
        .wait { color: var(--wait); background: var(--wait-back); }
        .notice { background: var(--warn-back); color: var(--warn); border-radius: .75rem; padding: .75rem 1rem;
          margin-bottom: 1rem; font-weight: 600; }
        noscript .notice { margin: 1rem; }

        #state { display: flex; gap: 1rem; padding: 1.125rem; }
        .sign { width: 3rem; height: 3rem; border-radius: 50%; display: grid; place-items: center; flex: none; }
        .sign svg { width: 1.625rem; height: 1.625rem; }
        #verdict { font-size: 1.375rem; line-height: 1.3; margin: .375rem 0 .25rem; }
        #facts { font-size: .9375rem; }
        .attention { display: flex; flex-wrap: wrap; gap: .5rem; }
        .attention:not(:empty) { margin-top: .75rem; }
        .attention a { text-decoration: none; white-space: normal; padding: .25rem .75rem; font-size: .875rem; }
        .attention a:hover { text-decoration: underline; }

        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; }
        .tiles .card { padding: .875rem 1rem; min-width: 0; }
        .tiles dt { color: var(--soft); font-size: .875rem; }
        .tiles dd { font-variant-numeric: tabular-nums; font-size: .875rem; overflow-wrap: anywhere; }
        .tiles dt + dd { font-size: 1.875rem; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; }
        .tiles dt + dd small { font-size: 1rem; font-weight: 500; letter-spacing: 0; color: var(--soft); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .75rem;
          margin-top: .75rem; }
        figure { margin: 0; padding: .875rem 1rem .75rem; min-width: 0; }
        figcaption { font-size: .875rem; color: var(--soft); }
        .plot { position: relative; margin: .5rem 0; touch-action: pan-y; cursor: crosshair; }
        .plot svg { display: block; width: 100%; height: 11rem; }
        .plot text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
        .plot .grid { stroke: var(--grid); }
        .plot .axis { stroke: var(--line); }
        .plot .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .plot .area { opacity: .14; }
        .plot .cross { stroke: var(--soft); stroke-dasharray: 2 3; }
        .s-requests { stroke: var(--c-requests); } .area.s-requests { fill: var(--c-requests); stroke: none; }
        .s-client { stroke: var(--c-client); stroke-dasharray: 5 3; }
        .s-server { stroke: var(--c-server); } .area.s-server { fill: var(--c-server); stroke: none; }
        .s-p50 { stroke: var(--c-p50); stroke-dasharray: 2 3; }
        .s-p90 { stroke: var(--c-p90); stroke-dasharray: 7 3; }
        .s-p99 { stroke: var(--c-p99); }
        .legend { display: flex; flex-wrap: wrap; gap: .125rem 1rem; font-size: .875rem; }
        .legend li { display: flex; align-items: center; gap: .4375rem; }
        .legend svg { width: 1.75rem; height: .625rem; }
        .legend svg path { stroke-width: 2.5; fill: none; }
        .legend b { font-weight: 600; font-variant-numeric: tabular-nums; }

        details > summary { cursor: pointer; }
        #chart-table { margin-top: .75rem; }
        #chart-table > summary { color: var(--link); font-size: .9375rem; padding: .25rem; width: fit-content; }
        table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
        caption { text-align: left; padding: .75rem 1rem .25rem; color: var(--soft); font-size: .875rem; }
        th, td { padding: .5rem 1rem; text-align: left; vertical-align: baseline; overflow-wrap: anywhere; }
        thead th { color: var(--soft); font-size: .8125rem; font-weight: 600; border-bottom: 1px solid var(--line);
          overflow-wrap: normal; }
        tbody th { font-weight: 600; }
        tbody tr + tr > * { border-top: 1px solid var(--grid); }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .hot { color: var(--bad); font-weight: 600; }
        .empty { padding: 1rem; color: var(--soft); display: flex; gap: .625rem; align-items: center; }
        .cards { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; }
        .cards > .card { min-width: 0; padding-bottom: .25rem; }
        .cards .head { display: flex; flex-wrap: wrap; align-items: center; gap: .375rem .75rem;
          padding: .875rem 1rem .25rem; }
        .cards .head .soft { font-size: .875rem; width: 100%; }
        #extension-table + .cards:not(:empty) { margin-top: .75rem; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: .75rem;
          align-items: start; }

        .rows > * + * { border-top: 1px solid var(--grid); }
        .rows summary, .rows .row { display: grid; grid-template-columns: 6.75rem 1fr auto; gap: .125rem .75rem;
          padding: .6875rem 1rem; align-items: baseline; }
        .rows summary > :first-child, .rows .row > :first-child { justify-self: start; }
        .rows summary::-webkit-details-marker { display: none; }
        .rows summary { list-style: none; }
        .rows summary .what::after { content: "›"; display: inline-block; margin-left: .5rem; color: var(--soft);
          transition: transform .15s; }
        .rows details[open] .what::after { transform: rotate(90deg); }
        .rows summary:hover .what { text-decoration: underline; }
        .rows .what { font-weight: 600; overflow-wrap: anywhere; }
        .rows .where { grid-column: 2; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
        .rows .when { color: var(--soft); font-size: .875rem; text-align: right; white-space: nowrap;
          font-variant-numeric: tabular-nums; }
        .more { padding: 0 1rem .875rem 1rem; margin-left: 7.5rem; display: grid; gap: .5rem; overflow-wrap: anywhere; }
        .more dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .9375rem; }
        .more dt { color: var(--soft); }
        .more ul { display: grid; gap: .25rem; }
        .more li { padding-left: .875rem; position: relative; }
        .more li::before { content: "–"; position: absolute; left: 0; color: var(--soft); }
        code { font: .875em/1.4 ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }

        .meters { display: grid; padding: .25rem 0;
          grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
        .meters > div { padding: .625rem 1rem; display: grid; gap: .25rem; min-width: 0; align-content: start; }
        .meters .top { display: flex; justify-content: space-between; gap: 1rem; font-size: .9375rem; }
        .meters .top span:last-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
        .meters .key { font-size: .8125rem; color: var(--soft); display: flex; gap: .5rem; flex-wrap: wrap; }
        .track { height: .5rem; border-radius: .25rem; background: var(--wait-back); overflow: hidden; }
        .track svg { display: block; width: 100%; height: 100%; }
        .track rect { fill: var(--c-requests); }
        .near .track rect { fill: var(--c-server); }

        /* Rows of tables become cards, in which each value has its own label. */
        @media (max-width: 62rem) {
          table.wide, .wide tbody, .wide tr, .wide caption { display: block; }
          .wide thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
          .wide tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr));
            padding: .625rem 1rem; gap: .25rem 1rem; }
          .wide tbody tr + tr { border-top: 1px solid var(--line); }
          .wide tbody tr + tr > * { border: 0; }
          .wide th, .wide td { padding: 0; text-align: left; white-space: normal; }
          .wide td > span { text-align: right; }
          .wide tbody th { grid-column: 1 / -1; }
          .wide td { display: flex; gap: .5rem; justify-content: space-between; min-width: 0; }
          .wide td.whole { grid-column: 1 / -1; }
          .wide td::before { content: attr(data-label); color: var(--soft); font-size: .8125rem; font-weight: 400;
            white-space: nowrap; }
        }
        @media (max-width: 44rem) {
          .attention a { border-radius: .75rem; }
          .tiles { grid-template-columns: 1fr 1fr; gap: .5rem; }
          .tiles .card { padding: .75rem; }
          .tiles dt + dd { font-size: 1.5rem; }
          #state { padding: 1rem; gap: .75rem; }
          .sign { width: 2.25rem; height: 2.25rem; }
          .sign svg { width: 1.25rem; height: 1.25rem; }
          #verdict { font-size: 1.1875rem; margin-top: .25rem; }
          .rows summary, .rows .row { grid-template-columns: 1fr auto; }
          .rows .what, .rows .where { grid-column: 1 / -1; }
          .rows .when { grid-column: 2; grid-row: 1; }
          .more { margin-left: 0; }
          .more dl { grid-template-columns: 1fr; gap: 0; }
          .more dd { margin-bottom: .375rem; }
        }
        @media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
        @media (forced-colors: active) {
          .plot .line, .legend path { stroke: CanvasText; }
          .track { border: 1px solid; }
        }
        """#
}
