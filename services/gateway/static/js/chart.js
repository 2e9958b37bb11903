/* The child's year as two pictures on canvas; data by fetch, colours from the style sheet, tooltips as rich text. */
(() => {
  "use strict";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const fontFamily = () => getComputedStyle(document.body).fontFamily;

  const theme = () => ({
    own: colour("--color-primitive-light-blue-1100"),
    other: colour("--color-neutral-solid-gray-600"),
    fill: colour("--color-primitive-light-blue-100"),
    ink: colour("--color-neutral-solid-gray-700"),
    line: colour("--color-neutral-solid-gray-100"),
  });

  const days = (box, value) => (value == null ? "–" : box.dataset.days.replace("{n}", value));

  const dayOf = (iso) => `${Number(iso.slice(5, 7))}/${Number(iso.slice(8))}`;

  const line = (name, data, look) => ({
    name, data, type: "line", symbol: "none", connectNulls: false, ...look,
  });

  const options = (box, labels, lines) => {
    const look = theme();
    const text = { color: look.ink, fontFamily: fontFamily(), fontSize: 12 };
    return {
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      textStyle: { fontFamily: fontFamily() },
      grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, itemWidth: 28, itemHeight: 8, textStyle: text },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        textStyle: text,
        valueFormatter: (value) => days(box, value),
      },
      xAxis: {
        type: "category", data: labels, boundaryGap: false, axisLabel: { ...text, hideOverlap: true },
        axisLine: { lineStyle: { color: look.ink } }, axisTick: { show: false },
      },
      yAxis: { type: "value", minInterval: 1, min: 0, max: (range) => Math.max(4, Math.ceil(range.max)), axisLabel: text, splitLine: { lineStyle: { color: look.line } } },
      series: lines(look),
    };
  };

  const windowLines = (box, data) => (look) => [
    line(box.dataset.own, data.own, {
      step: "end", lineStyle: { width: 2.5 }, color: look.own, areaStyle: { color: look.fill, opacity: 0.6 },
    }),
    line(box.dataset.class, data.class, { lineStyle: { width: 2, type: "dashed" }, color: look.other }),
  ];

  const yearLines = (box, data) => (look) => [
    line(box.dataset.this, data.this_year, { step: "end", lineStyle: { width: 2.5 }, color: look.own }),
    ...(data.last_year
      ? [line(box.dataset.last, data.last_year, { step: "end", lineStyle: { width: 2, type: "dashed" }, color: look.other })]
      : []),
  ];

  const draw = (element, option) => {
    const chart = window.echarts.init(element, null, { renderer: "canvas" });
    chart.setOption(option);
    new ResizeObserver(() => chart.resize()).observe(element);
    element.dataset.drawn = "true";
  };

  const show = async (box) => {
    const answer = await fetch(box.dataset.series, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const data = await answer.json();
    await document.fonts.ready;
    draw(document.getElementById("chart-window"), options(box, data.dates.map(dayOf), windowLines(box, data)));
    draw(document.getElementById("chart-year"), options(box, data.dates.map(dayOf), yearLines(box, data)));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("charts");
    if (!box) return;
    show(box).catch(() => {
      const line = document.createElement("p");
      line.className = "problem";
      line.textContent = box.dataset.failed;
      box.replaceChildren(line);
    });
  });
})();
