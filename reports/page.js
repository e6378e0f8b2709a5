/* page.js: what the page can do beyond being read: sort and filter tables, draw the runs' times and the timelines.
 * All texts reach the page by textContent, never as markup. D3 3.5 gives scales, axes and zoom. */
(function () {
  "use strict";
  var NS_UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

  function duration(ns) {
    if (ns === 0) { return "0"; }
    for (var i = 0; i < NS_UNITS.length; i++) {
      if (ns >= NS_UNITS[i][0]) {
        return parseFloat((ns / NS_UNITS[i][0]).toPrecision(3)) + " " + NS_UNITS[i][1];
      }
    }
    return ns.toPrecision(2) + " ns";
  }

  function element(parent, name, className, text) {
    var made = document.createElement(name);
    if (className) { made.className = className; }
    if (text !== undefined) { made.textContent = text; }
    parent.appendChild(made);
    return made;
  }

  /* ---- tables ---- */
  function cellValue(row, column) {
    var cell = row.cells[column];
    var text = cell.getAttribute("data-value") || cell.textContent.trim();
    var number = Number(text.replace(/,/g, ""));
    return text !== "" && !isNaN(number) ? number : text;
  }

  function sortBy(table, column, direction) {
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows).map(function (row, index) {
      return { row: row, index: index, value: cellValue(row, column) };
    });
    rows.sort(function (a, b) {
      var order = typeof a.value === "number" && typeof b.value === "number"
        ? a.value - b.value : String(a.value).localeCompare(String(b.value));
      return order * direction || a.index - b.index;
    });
    var all = document.createDocumentFragment();
    rows.forEach(function (item) { all.appendChild(item.row); });
    body.appendChild(all);
  }

  function makeSortable(table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      var label = head.textContent;
      head.textContent = "";
      var button = element(head, "button", "", label);
      button.type = "button";
      button.title = "Sort by " + label;
      button.addEventListener("click", function () {
        var direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        sortBy(table, column, direction);
      });
    });
  }

  function makeFilter(tools) {
    var table = document.getElementById("runs-" + tools.getAttribute("data-key"));
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    if (rows.length < 6) { return; }
    var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
    var label = element(tools, "label", "", "Show ");
    var verdict = element(label, "select");
    ["all", "held", "failed", "undecided"].forEach(function (name) {
      element(verdict, "option", "", name).value = name;
    });
    var search = element(element(tools, "label", "", "containing "), "input");
    search.type = "search";
    search.placeholder = "executor 2";
    var count = element(tools, "span", "dim");
    count.setAttribute("role", "status");
    function apply() {
      var word = search.value.toLowerCase();
      var shown = 0;
      rows.forEach(function (row, index) {
        var fits = (verdict.value === "all" || row.getAttribute("data-verdict") === verdict.value) &&
          texts[index].indexOf(word) >= 0;
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      count.textContent = shown + " of " + rows.length + " runs";
    }
    verdict.addEventListener("change", apply);
    search.addEventListener("input", apply);
    apply();
  }

  /* ---- the time of every run, a row of dots per deployment ---- */
  function drawTimes(chart) {
    var table = document.getElementById("runs-" + chart.getAttribute("data-key"));
    var runs = Array.prototype.slice.call(table.tBodies[0].rows).map(function (row) {
      return { row: row, verdict: row.getAttribute("data-verdict"), deployment: row.cells[1].textContent,
        schedule: row.cells[2].textContent, time: Number(row.cells[5].getAttribute("data-value")),
        calm: row.cells[3].textContent.indexOf("undisturbed") === 0 };
    }).filter(function (run) { return run.time > 0; });
    if (runs.length < 2) { return; }
    var rank = { held: 0, undecided: 1, failed: 2 }; /* what matters lies on top */
    runs.sort(function (a, b) { return rank[a.verdict] - rank[b.verdict] || a.calm - b.calm; });
    var deployments = d3.set(runs.map(function (run) { return run.deployment; })).values();
    var width = 1000, left = 80, lane = 34, height = deployments.length * lane + 42;
    var most = d3.max(runs, function (run) { return run.time; });
    var least = d3.min(runs, function (run) { return run.time; });
    var log = most / least > 50;
    var x = (log ? d3.scale.log() : d3.scale.linear()).domain(log ? [least * 0.9, most * 1.1] : [0, most * 1.02]).range([left, width - 15]);
    var axis = d3.svg.axis().scale(x).orient("bottom").ticks(log ? 4 : 8).tickFormat(duration);
    if (log) {
      axis.tickValues(d3.range(Math.ceil(Math.log10(least)), Math.floor(Math.log10(most)) + 1).map(function (p) { return Math.pow(10, p); }));
    }
    var svg = d3.select(chart).append("svg").attr("viewBox", "0 0 " + width + " " + height).attr("role", "img")
      .attr("aria-label", "Time of each run by deployment" + (log ? ", logarithmic" : "") + "; the table below has the numbers");
    svg.append("g").attr("class", "axis").attr("transform", "translate(0," + (height - 38) + ")").call(axis);
    svg.append("text").attr("x", width - 15).attr("y", height - 4).attr("text-anchor", "end")
      .text("time of each run" + (log ? " (logarithmic)" : "") + "; rings: undisturbed");
    deployments.forEach(function (name, index) {
      var y = index * lane + lane / 2;
      svg.append("text").attr("x", left - 12).attr("y", y + 4).attr("text-anchor", "end").text(name);
      svg.selectAll(".d" + index).data(runs.filter(function (run) { return run.deployment === name; })).enter()
        .append("circle").attr("class", function (run) { return "dot " + run.verdict + (run.calm ? " calm" : ""); })
        .attr("r", function (run) { return run.verdict === "held" ? 4.5 : 6; })
        .attr("cx", function (run) { return x(run.time); })
        .attr("cy", function (run, i) { return y + (i * 7 % 17 - 8); })
        .on("click", function (run) { chooseRow(run.row); })
        .append("title").text(function (run) {
          return name + " schedule " + run.schedule + ": " + run.verdict + ", " + duration(run.time);
        });
    });
  }

  function chooseRow(row) {
    Array.prototype.forEach.call(row.parentNode.rows, function (other) { other.classList.remove("chosen"); });
    row.classList.add("chosen");
    row.hidden = false;
    row.scrollIntoView({ block: "nearest" });
  }

  /* ---- timelines ---- */
  var OUTCOMES = [["done", "done"], ["again", "retried or recomputed"], ["failed", "failed"], ["lost", "executor lost"],
    ["refused", "too late, dropped"], ["cancelled", "cancelled"], ["unfinished", "end unknown"]];

  function drawLegend(parent, run) {
    var list = element(parent, "ul", "legend");
    OUTCOMES.forEach(function (outcome) {
      if (!run.spans.some(function (span) { return span.outcome === outcome[0]; })) { return; }
      var item = element(list, "li");
      d3.select(item).append("svg").append("rect").attr("class", "span " + outcome[0])
        .attr("x", 1).attr("y", 1).attr("width", 20).attr("height", 10).attr("rx", 2);
      item.appendChild(document.createTextNode(outcome[1]));
    });
  }

  function describe(span) {
    return "Task " + span.stage + "." + span.task + " (stage " + span.stage + "), attempt " + span.attempt + " on executor " +
      span.x + ": " + span.outcome + (span.why ? ", " + span.why : "") + "; from " + duration(span.from) + ", took " +
      duration(span.to - span.from);
  }

  /* Each executor gets as many lanes as overlap there. Returns y by (executor, lane) and the total height. */
  function layOut(run, top, laneHeight) {
    var lanes = {}, y = {}, bands = [], at = top, x;
    run.spans.forEach(function (span) { lanes[span.x] = Math.max(lanes[span.x] || 1, span.lane + 1); });
    for (x = 0; x <= run.executors; x++) {
      if (x === 0 && !lanes[0]) { continue; }
      y[x] = at;
      bands.push({ x: x, y: at, height: (lanes[x] || 1) * laneHeight });
      at += (lanes[x] || 1) * laneHeight + 6;
    }
    return { y: y, bands: bands, height: at };
  }

  function numberFaults(run) {
    var fault = 0, letter = 0;
    run.marks.forEach(function (mark) {
      mark.isFault = mark.kind === "fault_fired";
      mark.name = mark.isFault ? String(++fault) : String.fromCharCode(97 + letter++ % 26);
    });
  }

  function drawRun(holder, run) {
    holder.textContent = "";
    numberFaults(run);
    drawLegend(holder, run);
    var width = 1200, left = 90, laneHeight = 22, top = 30;
    var plan = layOut(run, top, laneHeight);
    var height = plan.height + 34;
    var x = d3.scale.linear().domain([0, run.end || 1]).range([left, width - 16]);
    var axis = d3.svg.axis().scale(x).orient("bottom").ticks(8).tickFormat(function (ns) { return ns < 0 ? "" : duration(ns); });
    var svg = d3.select(holder).append("svg").attr("viewBox", "0 0 " + width + " " + height)
      .attr("tabindex", 0).attr("role", "application")
      .attr("aria-label", "Timeline of " + run.label + ": left and right move between tasks, plus and minus zoom, zero shows all");
    var clip = "clip-" + run.run;
    svg.append("clipPath").attr("id", clip).append("rect").attr("x", left).attr("y", 0).attr("width", width - left - 8).attr("height", height);
    plan.bands.forEach(function (band) {
      svg.append("rect").attr("class", "band").attr("x", left).attr("y", band.y).attr("width", width - left - 16).attr("height", band.height);
      svg.append("text").attr("x", left - 10).attr("y", band.y + band.height / 2 + 4).attr("text-anchor", "end")
        .text(band.x === 0 ? "unknown" : "executor " + band.x);
    });
    var axisPart = svg.append("g").attr("class", "axis").attr("transform", "translate(0," + plan.height + ")");
    var inside = svg.append("g").attr("clip-path", "url(#" + clip + ")");
    var spans = inside.selectAll(".task").data(run.spans).enter().append("g").attr("class", "task");
    spans.append("rect").attr("class", function (span) { return "span " + span.outcome; }).attr("height", laneHeight - 4).attr("rx", 2)
      .attr("y", function (span) { return plan.y[span.x] + span.lane * laneHeight + 2; });
    spans.append("text").attr("y", function (span) { return plan.y[span.x] + span.lane * laneHeight + 15; });
    spans.append("title").text(describe);
    var marks = inside.selectAll(".mark").data(run.marks).enter().append("g")
      .attr("class", function (mark) { return mark.isFault ? "mark" : "mark other"; });
    marks.append("line").attr("y1", 22).attr("y2", plan.height);
    marks.append("circle").attr("r", 8).attr("cy", 12);
    marks.append("text").attr("y", 16).text(function (mark) { return mark.name; });
    marks.append("title").text(function (mark) { return mark.text + ", at " + duration(mark.at); });

    function label(span) {
      var room = x(span.to) - x(span.from);
      var sign = { failed: " ×", lost: " †", refused: " ⊘", again: " ↻" }[span.outcome] || "";
      var long = span.stage + "." + span.task + sign;
      return room > long.length * 7 + 6 ? long : room > 14 && sign ? sign.trim() : "";
    }
    function place() {
      axisPart.call(axis);
      spans.select("rect").attr("x", function (span) { return x(span.from); })
        .attr("width", function (span) { return Math.max(2, x(span.to) - x(span.from)); });
      spans.select("text").attr("x", function (span) { return x(span.from) + 4; }).text(label);
      marks.attr("transform", function (mark) { return "translate(" + x(mark.at) + ",0)"; });
      var taken = -Infinity;
      marks.each(function (mark) {
        var at = Math.max(x(mark.at), taken + 18);
        taken = at;
        d3.select(this).select("circle").attr("cx", at - x(mark.at));
        d3.select(this).select("text").attr("x", at - x(mark.at));
      });
    }
    place();

    var readout = element(holder, "p", "readout dim", "Click a task or use the arrow keys; plus, minus and 0 zoom.");
    readout.setAttribute("aria-live", "polite");
    var current = -1;
    function choose(index) {
      current = Math.max(0, Math.min(run.spans.length - 1, index));
      spans.select("rect").classed("current", function (span, i) { return i === current; });
      if (run.spans[current]) { readout.textContent = describe(run.spans[current]); }
    }
    spans.on("click", function (span, index) { choose(index); });
    function zoomBy(factor) {
      var domain = x.domain(), middle = run.spans[current] ? (run.spans[current].from + run.spans[current].to) / 2 : (domain[0] + domain[1]) / 2;
      var half = (domain[1] - domain[0]) / 2 / factor;
      if (half * 2 >= run.end) { x.domain([0, run.end || 1]); } else {
        var from = Math.max(0, Math.min(run.end - 2 * half, middle - half));
        x.domain([from, from + 2 * half]);
      }
      place();
    }
    svg.on("keydown", function () {
      var key = d3.event.key;
      var actions = { ArrowRight: function () { choose(current + 1); }, ArrowLeft: function () { choose(current - 1); },
        Home: function () { choose(0); }, End: function () { choose(run.spans.length - 1); },
        "+": function () { zoomBy(2); }, "=": function () { zoomBy(2); }, "-": function () { zoomBy(0.5); },
        "0": function () { x.domain([0, run.end || 1]); place(); } };
      if (!actions[key]) { return; }
      d3.event.preventDefault();
      actions[key]();
    });
    if (run.marks.length > 0) {
      var list = element(holder, "ol", "marks");
      run.marks.forEach(function (mark) {
        var item = element(list, "li");
        element(item, "b", mark.isFault ? "" : "dim", mark.name);
        item.appendChild(document.createTextNode(mark.text + (mark.isFault && mark.x > 0 ? " (executor " + mark.x + ")" : "") +
          ", at " + duration(mark.at)));
      });
    }
    return { zoom: zoomBy, all: function () { x.domain([0, run.end || 1]); place(); } };
  }

  /* The run that tells most: one that did not hold, else the one with the most faults. */
  function mostTelling(runs) {
    var best = 0, score = -1;
    runs.forEach(function (run, index) {
      var faults = run.marks.filter(function (mark) { return mark.kind === "fault_fired"; }).length;
      var value = (run.verdict === "held" ? 0 : 1e6) + faults;
      if (value > score) { best = index; score = value; }
    });
    return best;
  }

  function makeTimeline(data) {
    var key = data.getAttribute("data-key");
    var holder = document.getElementById("timeline-" + key);
    var runs = JSON.parse(data.textContent);
    if (runs.length === 0) { return; }
    holder.textContent = "";
    var controls = element(holder, "div", "tools controls");
    var select = element(element(controls, "label", "", "Run "), "select");
    runs.forEach(function (run, index) { element(select, "option", "", run.label).value = index; });
    var picture = element(holder, "div");
    var drawn;
    [["zoom in", function () { drawn.zoom(2); }], ["zoom out", function () { drawn.zoom(0.5); }], ["all", function () { drawn.all(); }]]
      .forEach(function (action) {
        var button = element(controls, "button", "", action[0]);
        button.type = "button";
        button.addEventListener("click", action[1]);
      });
    function show(index) {
      select.value = index;
      drawn = drawRun(picture, runs[index]);
    }
    select.addEventListener("change", function () { show(Number(select.value)); });
    show(mostTelling(runs));
    Array.prototype.forEach.call(document.querySelectorAll("#runs-" + key + " a.show"), function (link) {
      link.addEventListener("click", function () {
        runs.forEach(function (run, index) {
          if (String(run.run) === link.getAttribute("data-run")) { show(index); }
        });
      });
    });
  }

  /* Far parts are drawn when they come near the window, or when the page is printed. */
  function whenNear(list, act) {
    var waiting = Array.prototype.slice.call(list);
    function run(target) {
      var index = waiting.indexOf(target);
      if (index >= 0) { waiting.splice(index, 1); act(target); }
    }
    if (!window.IntersectionObserver) { waiting.slice().forEach(run); return; }
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) { observer.unobserve(entry.target); run(entry.target); }
      });
    }, { rootMargin: "800px" });
    waiting.forEach(function (target) { observer.observe(target); });
    window.addEventListener("beforeprint", function () { waiting.slice().forEach(run); });
  }

  /* Timelines first: the holder is observed, its data lie behind it. Charts read rows in their first order. */
  whenNear(document.querySelectorAll(".timeline"), function (holder) { makeTimeline(holder.nextElementSibling); });
  Array.prototype.forEach.call(document.querySelectorAll(".chart"), drawTimes);
  Array.prototype.forEach.call(document.querySelectorAll(".tools[data-key]"), makeFilter);
  Array.prototype.forEach.call(document.querySelectorAll("table.sortable"), makeSortable);
  window.addEventListener("beforeprint", function () {
    Array.prototype.forEach.call(document.querySelectorAll("details"), function (part) { part.open = true; });
  });
})();
