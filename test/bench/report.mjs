// What was measured, as a Markdown table and as a bar chart.

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const round = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));
const spread = (values) => `${round(Math.min(...values))} to ${round(Math.max(...values))}`;

/** One line for each server of an item: the median rate, its spread, and the median of paired ratios. */
export function table(item, results, base) {
  const lines = [
    `### ${item.title}`,
    '',
    `| server | per second | spread | ratio to ${base} | 99th percentile | memory idle / now / peak |`,
    '| --- | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const { server, rates, ratios, p99, memory } of results) {
    const mib =
      memory === undefined
        ? ''
        : [memory.idle, memory.now, memory.peak].map((mib) => mib.toFixed(0)).join(' / ');
    lines.push(
      `| ${server} | ${round(median(rates))} | ${spread(rates)} | ${median(ratios).toFixed(2)} | ${round(median(p99))} ms | ${mib} MiB |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A bar for each server, as long as its ratio to the base. */
export function chart(title, rows) {
  const left = 210;
  const height = 24;
  const width = 760;
  const most = Math.max(...rows.map(({ ratio }) => ratio), 1);
  const scale = (width - left - 60) / most;
  const bars = rows.map(({ server, ratio }, index) => {
    const y = 44 + index * height;
    const colour = server.startsWith('@wsgi/') ? '#1a7f5a' : '#8a94a6';
    return `  <text x="${left - 8}" y="${y + 14}" text-anchor="end">${escapeXml(server)}</text>
  <rect x="${left}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="${height - 6}" rx="2" fill="${colour}"/>
  <text x="${(left + ratio * scale + 6).toFixed(1)}" y="${y + 14}">${ratio.toFixed(2)}</text>`;
  });
  const total = 56 + rows.length * height;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" role="img" aria-label="${escapeXml(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#3c4657">
  <rect width="${width}" height="${total}" fill="#ffffff"/>
  <text x="12" y="24" font-size="15" font-weight="600">${escapeXml(title)}</text>
${bars.join('\n')}
</svg>
`;
}
