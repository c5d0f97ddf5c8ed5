/// The script of the status page; its other parts are in extensions, which the page joins in the order of their use.
///
/// What the gateway sends becomes text of nodes and values of attributes, never markup.
enum StatusScript {
    /// Elements that are made once and then kept up to date, numbers and times as text, rates of counters.
    static let elements = #"""
        const byId = (id) => document.getElementById(id);
        const svgSpace = "http://www.w3.org/2000/svg";

        function apply(node, attributes, children) {
          for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
          for (const child of children) if (child != null) node.append(child);
          return node;
        }
        const make = (tag, attributes = {}, ...children) => apply(document.createElement(tag), attributes, children);
        const draw = (tag, attributes = {}, ...children) =>
          apply(document.createElementNS(svgSpace, tag), attributes, children);

        function setAttribute(node, name, value) {
          if (value == null || value === false) node.removeAttribute(name);
          else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
        }
        function setText(node, text) {
          if (node.textContent !== String(text)) node.textContent = text;
        }
        function icon(name) {
          return draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: "#i-" + name }));
        }
        function setIcon(node, name) {
          setAttribute(node.querySelector("use"), "href", "#i-" + name);
        }

        // A word with a symbol: nothing is said by colour alone.
        function badge() {
          return make("span", { class: "badge" }, icon("ok"), make("span"));
        }
        function setBadge(node, kind, symbol, text) {
          setAttribute(node, "class", "badge " + kind);
          setIcon(node, symbol);
          setText(node.lastElementChild, text);
        }

        // Keeps the children of a node in step with a list, so that what a reader has opened or focused stays.
        function sync(parent, items, key, create, update) {
          const known = (parent.known ??= new Map());
          const names = [];
          for (const item of items) {
            let name = String(key(item));
            while (names.includes(name)) name += " again";
            names.push(name);
          }
          for (const [name, node] of known) {
            if (names.includes(name)) continue;
            node.remove();
            known.delete(name);
          }
          const focused = document.activeElement;
          let place = parent.firstElementChild;
          items.forEach((item, index) => {
            let node = known.get(names[index]);
            if (!node) known.set(names[index], (node = create(item)));
            update(node, item);
            if (node === place) place = place.nextElementSibling;
            else parent.insertBefore(node, place);
          });
          if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
        }

        function setEmpty(parent, isEmpty, symbol, text) {
          if (isEmpty && !parent.empty) {
            parent.prepend((parent.empty = make("p", { class: "empty" }, icon(symbol), make("span"))));
          } else if (!isEmpty && parent.empty) {
            parent.empty.remove();
            parent.empty = null;
          }
          if (parent.empty) setText(parent.empty.lastElementChild, text);
        }

        // A table: columns are { title, value, number, hot, whole, badge }, the first one names its row.
        function table(place, caption, columns, key) {
          const title = make("caption");
          const head = make("tr", {}, ...columns.map((column) => make("th", {
            scope: "col", role: "columnheader", class: column.number ? "number" : null }, column.title)));
          const body = make("tbody", { role: "rowgroup" });
          place.append(make("div", { class: "card" }, make("table", { class: "wide", role: "table" }, title,
            make("thead", { role: "rowgroup" }, apply(head, { role: "row" }, [])), body)));
          const makeCell = (column, index) => {
            const cell = make(index ? "td" : "th", index
              ? { role: "cell", "data-label": column.title } : { role: "rowheader", scope: "row" });
            if (column.badge) cell.append(badge());
            else cell.append(make("span"));
            return cell;
          };
          return (rows, text) => {
            setText(title, text ?? caption);
            sync(body, rows, key, () => make("tr", { role: "row" }, ...columns.map(makeCell)), (node, row) => {
              columns.forEach((column, index) => {
                const cell = node.children[index];
                const value = column.value(row);
                const names = [column.number && "number", column.whole && "whole", column.hot?.(row) && "hot"];
                setAttribute(cell, "class", names.filter(Boolean).join(" ") || null);
                if (column.badge) setBadge(cell.firstElementChild, ...value);
                else setText(cell.firstElementChild, value);
              });
            });
          };
        }

        const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
        const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
        const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
        const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
        const shortClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
        const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
        const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

        const figure = (value) => value < 10000 ? whole.format(value) : short.format(value);
        const rateText = (value) =>
          value == null ? "–" : value === 0 ? "0" : value < 0.01 ? "< 0.01"
            : value < 100 ? precise.format(value) : figure(value);
        function bytes(value) {
          const units = ["B", "kB", "MB", "GB", "TB"];
          let unit = 0;
          while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
          return precise.format(value) + " " + units[unit];
        }
        function milliseconds(value) {
          if (value == null) return "–";
          if (value < 1) return "< 1 ms";
          return value < 1000 ? precise.format(value) + " ms" : precise.format(value / 1000) + " s";
        }
        function duration(seconds) {
          const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
          const first = parts.findIndex(([size]) => seconds >= size);
          if (first < 0) return "0 s";
          const rest = Math.floor(seconds % parts[first][0] / (parts[first + 1]?.[0] ?? 1));
          const text = Math.floor(seconds / parts[first][0]) + " " + parts[first][1];
          return first < 3 && rest ? text + " " + rest + " " + parts[first + 1][1] : text;
        }
        const ago = (seconds) => seconds < 2 ? "just now" : duration(seconds) + " ago";
        const many = (count, one, several) => figure(count) + " " + (count === 1 ? one : several ?? one + "s");
        const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
        function share(part, all) {
          if (!all) return "–";
          const value = 100 * part / all;
          return value > 0 && value < 0.1 ? "< 0.1 %" : tenths.format(value) + " %";
        }

        // Rates of counters over the last few documents; a counter that falls has begun anew.
        class Rates {
          constructor() { this.samples = new Map(); this.now = 0; }
          begin(now) { this.now = now; }
          of(name, value) {
            let list = this.samples.get(name);
            if (!list || value < list[list.length - 1][1]) this.samples.set(name, (list = []));
            if (!list.length || list[list.length - 1][0] < this.now) list.push([this.now, value]);
            while (list.length > 2 && this.now - list[0][0] > 3.5) list.shift();
            const [[start, first], [end, last]] = [list[0], list[list.length - 1]];
            return end > start ? (last - first) / (end - start) : null;
          }
        }

        """#
}
