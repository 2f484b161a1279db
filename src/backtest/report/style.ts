/** The report's style sheet: light or dark as the reader's system is, colours that differ in lightness too. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1f2937; --faint: #5b6472; --line: #d9dde3; --panel: #f7f8fa;
  --value: #0f7a58; --score: #1f6fb4; --threshold: #5b6b85; --anomalous: #d7191c; --label: #b07d00; }
@media (prefers-color-scheme: dark) { :root { --back: #14171c; --text: #e4e7eb; --faint: #a0a9b6; --line: #39404a;
  --panel: #1c2027; --value: #4cc79b; --score: #6db3f2; --threshold: #9aa7bb; --anomalous: #ff6b6b; --label: #e0b040; } }
body { margin: 0 auto; padding: 1rem 1.5rem 4rem; max-width: 68rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0.5rem 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; } h3 { font-size: 1rem; }
h1, h2, h3, tbody th, li { overflow-wrap: anywhere; } td { overflow-wrap: break-word; }
p, li { max-width: 50rem; } .faint { color: var(--faint); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th { min-width: 8em; } td { min-width: 6em; }
tr > :first-child { position: sticky; left: 0; min-width: 13em; background: var(--back); }
caption { text-align: left; color: var(--faint); padding-bottom: 0.3rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.8rem 0.25rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--faint); font-weight: 600; } tbody th { font-weight: 500; }
code, pre { font: 13px/1.4 ui-monospace, monospace; } pre { overflow-x: auto; background: var(--panel); padding: 0.6rem; }
a { color: var(--score); } summary { cursor: pointer; }
svg { display: block; width: 100%; height: auto; background: var(--panel); font: 10px system-ui, sans-serif; }
svg text { fill: var(--faint); } svg .name { fill: var(--text); font-size: 11px; }
svg .grid { stroke: var(--line); fill: none; stroke-width: 1; }
svg .value, svg .score, svg .threshold { fill: none; stroke-width: 1; stroke-linejoin: round; }
svg .value { stroke: var(--value); } svg .score { stroke: var(--score); }
svg .threshold { stroke: var(--threshold); stroke-dasharray: 5 4; }
svg .anomalous { fill: var(--anomalous); fill-opacity: 0.35; } svg .label { fill: var(--label); fill-opacity: 0.3; }
.key::before { content: ''; display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.4em; vertical-align: -0.1em;
  background: currentColor; }
.key { margin-right: 1.2rem; } .key.a { color: var(--anomalous); } .key.l { color: var(--label); }
.key.v { color: var(--value); } .key.s { color: var(--score); } .key.t { color: var(--threshold); }
`;
