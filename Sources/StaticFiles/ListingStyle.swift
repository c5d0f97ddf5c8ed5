/// The style of listings: the page needs no other resources, and follows the reader's choice of light or dark.
enum ListingStyle {
    static let text = """
        :root{color-scheme:light dark;--page:#f4f6f9;--card:#fff;--over:#eef4fe;--line:#e3e8ee;--text:#19212a;--soft:#5a6673;
        --link:#0b57d0;--folder:#efb02e;--file:#b9c4d0}
        @media(prefers-color-scheme:dark){:root{--page:#0c1015;--card:#141a21;--over:#1b2633;--line:#262e38;--text:#e8edf3;
        --soft:#96a1ae;--link:#84bbff;--folder:#d69e1f;--file:#596573}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
        main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem}
        h1{font-size:1.375rem;font-weight:600;margin:0 0 1.25rem;padding:0 .25rem;overflow-wrap:anywhere}
        h1 a{color:var(--soft);text-decoration:none}
        table{width:100%;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);
        border-radius:.75rem;overflow:hidden;box-shadow:0 1px 2px rgb(0 0 0/.05)}
        th,td{padding:.625rem 1rem;text-align:left;white-space:nowrap;border-bottom:1px solid var(--line)}
        tbody tr:last-child td{border-bottom:0}
        th:nth-child(2),td:nth-child(2){text-align:right}
        th{font-size:.8125rem}
        th a{color:var(--soft);text-decoration:none;font-weight:600}
        td:first-child{width:100%;white-space:normal;overflow-wrap:anywhere}
        td:first-child a{display:flex;gap:.75rem;color:var(--text);text-decoration:none}
        td:first-child a::before{content:"";flex:none;width:1.125rem;height:1.125rem;margin-top:.1875rem;
        background:var(--file);clip-path:polygon(14% 0,62% 0,86% 26%,86% 100%,14% 100%)}
        .folder a::before{background:var(--folder)!important;
        clip-path:polygon(0 8%,38% 8%,48% 22%,100% 22%,100% 92%,0 92%)!important}
        .up a::before{background:var(--soft)!important;
        clip-path:polygon(50% 8%,92% 50%,62% 50%,62% 92%,38% 92%,38% 50%,8% 50%)!important}
        td:nth-child(n+2){color:var(--soft);font-variant-numeric:tabular-nums}
        tbody tr:hover,tbody tr:focus-within{background:var(--over)}
        a:hover,a:focus-visible,td:first-child a:hover,h1 a:hover{color:var(--link);text-decoration:underline}
        p{color:var(--soft);font-size:.875rem;margin:1rem .25rem}
        @media(max-width:36rem){main{padding:1.5rem .75rem}
        tr{display:flex;flex-wrap:wrap;padding:.625rem 1rem;border-bottom:1px solid var(--line)}
        th,td{padding:0;border:0}
        th:first-child{flex:1}
        th+th{margin-left:1rem}
        tbody tr:last-child{border-bottom:0}
        td:nth-child(n+2):not(:empty){font-size:.8125rem;margin-left:1.875rem}
        td:nth-child(2):not(:empty)+td{margin-left:0}
        td:nth-child(2):not(:empty)+td::before{content:"\\00a0·\\00a0"}
        td:empty{display:none}}
        """
}
