extension StatusScript {
    /// The charts of the last 15 minutes: each can be read with a pointer, with arrow keys, and as a table.
    static let charts = #"""
        const chartHeight = 176;
        const margin = { left: 54, right: 8, top: 8, bottom: 22 };

        // The numbers of an axis from 0 to `most`: at most four steps of 1, 2 or 5 times a power of ten.
        function ticks(most) {
          if (!(most > 0)) return [0, 1];
          const power = 10 ** Math.floor(Math.log10(most / 4));
          const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => most / size <= 4);
          const list = [];
          for (let value = 0; value < most + step * 0.999; value += step) list.push(Number(value.toPrecision(6)));
          return list;
        }

        class Chart {
          // Series are { name, style, area, values(history) }; values are null where there is nothing to show.
          constructor(place, title, unit, series) {
            Object.assign(this, { title, unit, series, index: null, history: null, width: 0 });
            this.caption = make("figcaption");
            this.svg = draw("svg", { "aria-hidden": "true" });
            this.plot = make("div", { class: "plot", role: "slider", tabindex: "0",
              "aria-label": title + ", last 15 minutes; arrow keys read single moments",
              "aria-orientation": "horizontal" }, this.svg);
            this.legend = make("ul", { class: "legend", "aria-label": "Legend: " + title });
            this.figures = series.map((one) => {
              const value = make("b", {}, "–");
              this.legend.append(make("li", {}, draw("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" },
                draw("path", { d: "M0 5h28", class: one.style })), make("span", {}, one.name), value));
              return value;
            });
            place.append(make("figure", { class: "card" },
              make("h3", {}, title), this.caption, this.plot, this.legend));
            new ResizeObserver(() => this.resize()).observe(this.plot);
            this.plot.addEventListener("pointermove", (event) => this.point(event));
            this.plot.addEventListener("pointerleave", () => Chart.select(null));
            this.plot.addEventListener("blur", () => Chart.select(null));
            this.plot.addEventListener("keydown", (event) => this.key(event));
            Chart.all.push(this);
          }

          static select(index) {
            for (const chart of Chart.all) { chart.index = index; chart.render(); }
          }

          resize() {
            const width = Math.round(this.plot.clientWidth);
            if (width === this.width) return;
            this.width = width;
            this.render();
          }

          show(history) {
            this.history = history;
            if (this.index != null && this.index >= history.ends.length) this.index = null;
            this.data = this.series.map((one) => one.values(history));
            this.render();
          }

          x(end) {
            const last = this.history.ends.at(-1) ?? 0;
            const span = this.history.step * this.history.limit;
            return margin.left + (this.width - margin.left - margin.right) * (1 - (last - end) / span);
          }

          point(event) {
            if (!this.history?.ends.length) return;
            const position = event.clientX - this.plot.getBoundingClientRect().left;
            let best = 0;
            this.history.ends.forEach((end, index) => {
              if (Math.abs(this.x(end) - position) < Math.abs(this.x(this.history.ends[best]) - position)) best = index;
            });
            Chart.select(best);
          }

          key(event) {
            const count = this.history?.ends.length ?? 0;
            const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 12, PageDown: -12 };
            const from = this.index ?? count - 1;
            let index = event.key === "Home" ? 0 : event.key === "End" ? count - 1 : from + (moves[event.key] ?? NaN);
            if (!count || Number.isNaN(index)) return;
            event.preventDefault();
            Chart.select(Math.max(0, Math.min(count - 1, index)));
          }

          render() {
            if (!this.history || this.width < 80) return;
            const { ends } = this.history;
            const known = this.data.flat().filter((value) => value != null);
            const axis = ticks(Math.max(...known, 0));
            const top = axis[axis.length - 1];
            const bottom = chartHeight - margin.bottom;
            const y = (value) => bottom - (bottom - margin.top) * value / top;
            const parts = [];
            for (const value of axis) {
              const label = draw("text", { x: margin.left - 6, y: y(value) + 4, "text-anchor": "end" });
              label.textContent = this.unit.axis(value);
              parts.push(draw("line", { x1: margin.left, x2: this.width - margin.right, y1: y(value), y2: y(value),
                class: value ? "grid" : "axis" }), label);
            }
            const last = ends.at(-1) ?? 0;
            for (const minutes of [15, 10, 5, 0]) {
              const x = this.x(last - minutes * 60);
              const label = draw("text", { x: minutes === 0 ? this.width - margin.right : x, y: chartHeight - 5,
                "text-anchor": minutes === 0 ? "end" : minutes === 15 ? "start" : "middle" });
              label.textContent = minutes ? "−" + minutes + " min" : "now";
              parts.push(label);
            }
            this.series.forEach((one, number) => {
              const d = this.path(this.data[number], y, bottom);
              if (one.area) parts.push(draw("path", { class: "area " + one.style, d }));
            });
            this.series.forEach((one, number) => {
              parts.push(draw("path", { class: "line " + one.style, d: this.path(this.data[number], y, null) }));
            });
            if (this.index != null) {
              const x = this.x(ends[this.index]);
              parts.push(draw("line", { class: "cross", x1: x, x2: x, y1: margin.top, y2: bottom }));
            }
            setAttribute(this.svg, "viewBox", "0 0 " + this.width + " " + chartHeight);
            this.svg.replaceChildren(...parts);
            this.describe();
          }

          // A line, or the area under it down to `base`; it has gaps where there is no value or no step.
          path(values, y, base) {
            let text = "";
            let run = [];
            const close = () => {
              if (!run.length) return;
              if (run.length === 1) run.push([run[0][0] + 1.5, run[0][1]]);
              const [[start], [end]] = [run[0], run[run.length - 1]];
              if (base != null) run.push([end, base], [start, base]);
              text += "M" + run.map((point) => point.map((part) => part.toFixed(1)).join(" ")).join("L");
              run = [];
            };
            values.forEach((value, index) => {
              const { ends, step } = this.history;
              if (value == null || index && ends[index] - ends[index - 1] > 3 * step) close();
              if (value != null) run.push([this.x(ends[index]), y(value)]);
            });
            close();
            return text;
          }

          describe() {
            const { ends } = this.history;
            const index = this.index ?? ends.length - 1;
            this.data.forEach((values, number) => setText(this.figures[number], this.unit.text(values[index])));
            const values = this.data[0].filter((value) => value != null);
            const when = this.index == null ? null : clock.format(new Date(ends[index] * 1000));
            const most = values.length ? this.unit.text(Math.max(...values)) : null;
            setText(this.caption, when ? "At " + when : most == null ? "Nothing in the last 15 minutes"
              : this.series[0].name + ": at most " + most + " in the last 15 minutes");
            const said = this.series.map((one, number) => one.name + " " + this.unit.text(this.data[number][index]));
            setAttribute(this.plot, "aria-valuemin", 0);
            setAttribute(this.plot, "aria-valuemax", Math.max(0, ends.length - 1));
            setAttribute(this.plot, "aria-valuenow", Math.max(0, index));
            setAttribute(this.plot, "aria-valuetext", (when ?? "now") + ": " + said.join(", "));
          }
        }
        Chart.all = [];

        const perSecond = { axis: rateText, text: (value) => value == null ? "–" : rateText(value) + "/s" };
        const inTime = { axis: (value) => value ? milliseconds(value) : "0", text: milliseconds };
        const each = (history, count) => history.ends.map((_, index) => count(index) / history.seconds[index]);
        const all = (history, index) => history.classes.reduce((sum, group) => sum + group[index], 0);

        const charts = byId("charts");
        new Chart(charts, "Requests", perSecond, [
          { name: "Requests", style: "s-requests", area: true, values: (h) => each(h, (index) => all(h, index)) },
        ]);
        new Chart(charts, "Errors", perSecond, [
          { name: "Failed (5xx)", style: "s-server", area: true,
            values: (h) => each(h, (index) => h.classes[4][index]) },
          { name: "Refused or not found (4xx)", style: "s-client",
            values: (h) => each(h, (index) => h.classes[3][index]) },
        ]);
        new Chart(charts, "Time to answer", inTime, [
          { name: "99 %", style: "s-p99", values: (h) => h.p99 },
          { name: "90 %", style: "s-p90", values: (h) => h.p90 },
          { name: "50 %", style: "s-p50", values: (h) => h.p50 },
        ]);

        // The same by minute, made when it is opened.
        const chartTable = byId("chart-table");
        const fillChartTable = table(chartTable.lastElementChild, "By minute, the latest first", [
          { title: "Until", value: (row) => shortClock.format(new Date(row.end * 1000)) },
          { title: "Requests/s", number: true, value: (row) => rateText(row.requests / row.seconds) },
          { title: "5xx", number: true, value: (row) => figure(row.server), hot: (row) => row.server > 0 },
          { title: "4xx", number: true, value: (row) => figure(row.client) },
          { title: "50 % within, at worst", number: true, value: (row) => milliseconds(row.p50) },
          { title: "99 % within, at worst", number: true, value: (row) => milliseconds(row.p99) },
        ], (row) => row.end);

        function showChartTable(history) {
          if (!chartTable.open || !history) return;
          const rows = [];
          const most = (one, other) => one == null ? other : other == null ? one : Math.max(one, other);
          history.ends.forEach((end, index) => {
            const minute = Math.ceil(end / 60) * 60;
            let row = rows[rows.length - 1];
            if (row?.end !== minute) {
              rows.push((row = { end: minute, requests: 0, server: 0, client: 0, seconds: 0, p50: null, p99: null }));
            }
            row.requests += all(history, index);
            row.server += history.classes[4][index];
            row.client += history.classes[3][index];
            row.seconds += history.seconds[index];
            row.p50 = most(row.p50, history.p50[index]);
            row.p99 = most(row.p99, history.p99[index]);
          });
          fillChartTable(rows.reverse());
        }

        let history = null;
        function showHistory(next) {
          history = next;
          for (const chart of Chart.all) chart.show(history);
          showChartTable(history);
          const steps = Math.min(history.ends.length, 60 / history.step);
          const last = (values) => values.slice(values.length - steps).reduce((sum, value) => sum + value, 0);
          const sums = history.classes.map(last);
          const count = sums.reduce((sum, value) => sum + value, 0);
          setText(byId("errors"), count ? share(sums[4], count) : steps ? "0 %" : "–");
          setText(byId("errors-more"), steps ? figure(sums[4]) + " of " + many(count, "request")
            + ", and " + figure(sums[3]) + " with 4xx" : "");
          const minute = history.minute;
          setText(byId("p99"), milliseconds(minute?.p99));
          setText(byId("p99-more"), !minute ? "no request in the last minute"
            : "90 % " + milliseconds(minute.p90) + ", 50 % " + milliseconds(minute.p50) + ", last minute");
        }
        chartTable.addEventListener("toggle", () => showChartTable(history));

        """#
}
