// A chart with a text alternative and a table of the same numbers.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../format.js";
import { THEME_CHANGED } from "../theme.js";
import { Icon } from "./icons.js";

export interface Series {
  label: string;
  values: readonly number[];
  /** A custom property of the page, such as `--series-1`. */
  color: string;
}

interface Props {
  title: string;
  summary: string;
  /** The name and the cells of the table's first column. The cells also label the axis. */
  axis: string;
  labels: readonly string[];
  series: readonly Series[];
  kind: "lines" | "bars" | "stacked";
  height?: number;
}

export function Chart(props: Props): JSX.Element {
  const [isTable, setTable] = useState(false);
  return (
    <figure class="chart">
      <figcaption>
        <div>
          <h2>{props.title}</h2>
          <p class="soft">{props.summary}</p>
        </div>
        <button type="button" class="ghost" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          <Icon name={isTable ? "chart" : "table"} /> {isTable ? "Chart" : "Table"}
          <span class="sr"> of {props.title}</span>
        </button>
      </figcaption>
      {props.series.length > 1 && !isTable && <Legend series={props.series} />}
      {isTable ? <Table {...props} /> : <Plot {...props} />}
    </figure>
  );
}

function Legend({ series }: { series: readonly Series[] }): JSX.Element {
  return (
    <ul class="legend" aria-hidden="true">
      {series.map(({ label, color }) => (
        <li key={label}>
          <i style={{ background: `var(${color})` }} />
          {label}
        </li>
      ))}
    </ul>
  );
}

function Table({ title, axis, labels, series }: Props): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it.
    <div class="table-scroll" tabIndex={0} role="region" aria-label={title}>
      <table>
        <thead>
          <tr>
            <th scope="col">{axis}</th>
            {series.map(({ label }) => (
              <th key={label} scope="col" class="num">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, row) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {series.map((each) => (
                <td key={each.label} class="num">
                  {number(each.values[row] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Plot({ labels, series, kind, height = 220, bare = false }: Pick<Props, "labels" | "series" | "kind" | "height"> & { bare?: boolean }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const redraw = (): void => setTurn((last) => last + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    addEventListener(THEME_CHANGED, redraw);
    system.addEventListener("change", redraw);
    return () => {
      removeEventListener(THEME_CHANGED, redraw);
      system.removeEventListener("change", redraw);
    };
  }, []);
  useEffect(() => {
    const element = box.current!;
    const width = (): number => Math.max(element.clientWidth, 40);
    const plot = new uPlot(options({ labels, series, kind, height, bare, width: width() }), data(series, kind), element);
    const resized = new ResizeObserver(() => plot.setSize({ width: width(), height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [labels.join(), JSON.stringify(series), kind, height, turn]);
  return <div ref={box} class="plot" style={{ height: `${height}px` }} aria-hidden="true" />;
}

type Drawn = Pick<Props, "labels" | "series" | "kind"> & { height: number; width: number; bare: boolean };

function data(series: readonly Series[], kind: Props["kind"]): uPlot.AlignedData {
  const rows = series.map(({ values }) => [...values]);
  if (kind === "stacked") {
    // Draw the total first and its parts in front of it.
    for (let upper = rows.length - 2; upper >= 0; upper--) rows[upper] = rows[upper]!.map((value, x) => value + rows[upper + 1]![x]!);
  }
  return [series[0]!.values.map((_, index) => index), ...rows];
}

function options({ labels, series, kind, height, width, bare }: Drawn): uPlot.Options {
  const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const bars = kind === "lines" ? null : uPlot.paths.bars!({ size: [0.62, 28], radius: kind === "bars" ? 0.2 : 0 });
  const axis = { stroke: color("--soft"), font: "12px Inter Variable, system-ui", ticks: { show: false } };
  const grid = { stroke: color("--line"), width: 1 };
  return {
    width,
    height,
    padding: bare ? [4, 2, 4, 2] : [10, 22, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: (_, low, high) => (kind === "lines" ? [low, high] : [low - 0.6, high + 0.6]) }, y: { range: (_, __, high) => [0, Math.max(high * 1.08, 4)] } },
    axes: [
      { ...axis, show: !bare, grid: { show: false }, size: 30, space: 64, incrs: [1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 45, 60], values: (_, at) => at.map((x) => labels[x] ?? "") },
      { ...axis, show: !bare, grid, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6], values: (_, at) => at.map(number) },
    ],
    series: [
      {},
      ...series.map(({ label, color: name }) => {
        const stroke = color(name);
        const look = bars ? { fill: stroke, width: 0, paths: bars } : { width: 2, ...(series.length === 1 ? { fill: `${stroke}22` } : {}) };
        return { label, stroke, points: { show: false }, ...look };
      }),
    ],
  };
}
