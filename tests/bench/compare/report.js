// The comparison as a table in Markdown, and as a chart drawn by gnuplot.

import { execFileSync } from 'node:child_process';
import { SERVERS } from './servers.js';

const number = (value) => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1));

// How Whilst stands to the best of the others; above 1 is better than they.
function standing(row) {
  const { whilst, ...others } = row.servers;
  const rest = Object.values(others).map((server) => server.median);
  return row.more ? whilst.median / Math.max(...rest) : Math.min(...rest) / whilst.median;
}

// "2.0 × better", "0.9 ×"; nothing where the others have nothing to compare with.
function verdict(row) {
  const ratio = standing(row);
  if (!(ratio > 0 && Number.isFinite(ratio))) return '';
  return ratio >= 1 ? `${ratio.toFixed(2)} × better` : `${ratio.toFixed(2)} ×`;
}

function rows(report, names) {
  const shown = report.rows.filter((row) => names.every((name) => row.servers[name]) && Object.keys(row.servers).length === names.length);
  if (shown.length === 0) return '';
  const head = `| | ${names.map((name) => SERVERS[name].title).join(' | ')} | Whilst to the best other |\n|---|${'---|'.repeat(names.length + 1)}\n`;
  const line = (row) => `| ${row.title}, ${row.unit} | ${names.map((name) => number(row.servers[name].median)).join(' | ')} | ${verdict(row)} |`;
  return `${head}${shown.map(line).join('\n')}\n\n`;
}

const COLUMNS = [
  ['visitors', 'visitors'],
  ['bytes', 'memory of each, bytes'],
  ['cpu_us', 'CPU for one who arrives, µs'],
  ['join_us', 'who joins a page with all others at once, µs'],
  ['counts', 'counts told to each then'],
  ['back_us', 'who comes back after all were lost, µs'],
  ['back_seconds', 'until all are back, s'],
  ['delivery_us', 'a count delivered, µs'],
];

export function table(report) {
  const versions = Object.entries(report.versions).map(([name, version]) => `${SERVERS[name].title} ${version}`);
  const curve = report.curve.map((point) => `| ${COLUMNS.map(([key]) => number(point[key])).join(' | ')} |`);
  return `# Whilst beside other servers

Written by \`tests/bench/compare/run\`: medians of ${report.rounds} runs in turns, each with a fresh server on one core and the load on another, on the same machine
in the same hour. CPU and memory are those of the server's processes, from \`/proc\`; the kernel's share of a connection is not in its memory. A visitor of Whilst
is in \`all\` and holds a page of its own; of the others it subscribes to a topic of its own. Messages have 14 bytes; what Whilst tells is a count.

${versions.join(', ')}.

![Memory, CPU and deliveries beside other servers](comparison.svg)

${rows(report, ['whilst', 'nchan', 'mosquitto', 'nats', 'ws'])}Beside what the system alone can do (\`tests/bench/compare/bare.c\`: a relay of the same bytes; a loop of \`send\` of the same bytes to the same sockets), and beside nginx with the same file:

${rows(report, ['whilst', 'bare'])}${rows(report, ['whilst', 'nchan'])}## As more come

One run of each.

| ${COLUMNS.map(([, title]) => title).join(' | ')} |
|${'---|'.repeat(COLUMNS.length)}
${curve.join('\n')}
`;
}

const PANELS = [
  ['memory', 'Memory of an idle visitor', 'KB', 1 / 1000],
  ['arrival', 'CPU for an arriving visitor', 'µs', 1],
  ['fanout1', 'Deliveries, one message in flight', 'thousands a CPU second', 1 / 1000],
  ['fanout8', 'Deliveries, eight in flight', 'thousands a CPU second', 1 / 1000],
];

function panel([key, title, unit, scale], report) {
  const row = report.rows.find((candidate) => candidate.key === key);
  const bars = Object.entries(row.servers).map(([name, server], i, all) => ({ name, value: server.median * scale, at: all.length - i }));
  const line = ({ name, value, at }) => `"${SERVERS[name].title}" ${value} ${name === 'whilst' ? 1 : 2} ${at} "${number(value)}"`;
  return `$${key} << EOD
${bars.map(line).join('\n')}
EOD
set label 1 "${title}, ${unit}" at graph 0, graph 1.12 left font ",13" textcolor rgb "#1c2b27"
set yrange [0.4:${bars.length + 0.6}]
set xrange [0:${Math.max(...bars.map((bar) => bar.value)) * 1.25}]
plot $${key} using (0):4:(0):2:($4-0.36):($4+0.36):3:ytic(1) with boxxyerror lc variable notitle, \\
     $${key} using 2:4:5 with labels left offset 0.6,0 font ",12" textcolor rgb "#1c2b27" notitle
`;
}

export function chart(report) {
  const script = `set terminal svg size 900,520 dynamic background rgb "#ffffff" font "sans-serif,12" rounded
set linetype 1 lc rgb "#1f9d7a"
set linetype 2 lc rgb "#b9c4c0"
set style fill solid 1 noborder
set border 0
set title " "
unset xtics
unset key
set ytics nomirror scale 0 font ",12" textcolor rgb "#44534e"
set multiplot layout 2,2 spacing 0.12,0.12
${PANELS.map((it) => panel(it, report)).join('\n')}
unset multiplot
`;
  return execFileSync('gnuplot', { input: script, encoding: 'utf8' });
}
