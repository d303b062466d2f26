// The fixed style and script of HTML reports, and their hashes for the page's policy (a test recomputes them).
#pragma once

namespace mcompress {

inline constexpr char kPageStyle[] = R"css(
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b6470;--rule:#d9dee4;--paper:#fff;--bar:#3b6fb6;--chosen:#e3ecf7;--bad:#b3261e;--good:#1b7f3b}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4b0;--rule:#343b44;--paper:#15181c;--bar:#6f9fe0;--chosen:#22344b;--bad:#ff8a80;--good:#7ad99a}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1100px;margin:0 auto;padding:16px}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:2px 16px;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto;margin:1rem 0}.wide td:last-child:not(.number){min-width:14rem}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:1.5rem 0}figcaption{color:var(--soft);margin-bottom:4px;overflow-wrap:anywhere}svg{width:100%;max-width:800px;height:auto;display:block}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .label{text-anchor:end}svg rect{fill:var(--bar)}svg rect.chosen{fill:var(--chosen)}
@media(max-width:600px){svg text{font-size:16px}svg .edge{font-size:22px}}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}details{margin:1rem 0}summary{cursor:pointer;font-weight:600}
input{font:inherit;margin:8px 0;padding:4px 8px;width:min(24rem,100%);box-sizing:border-box}footer{color:var(--soft);margin-top:3rem}
)css";

inline constexpr char kPageScript[] = R"js(
for(const field of document.querySelectorAll('input[type=search]')){
const rows=[...field.parentElement.querySelectorAll('tbody tr')];
field.addEventListener('input',()=>{const words=field.value.toLowerCase().split(/\s+/);
for(const row of rows){const text=row.textContent.toLowerCase();row.hidden=!words.every(word=>text.includes(word));}});}
)js";

inline constexpr char kPageStyleHash[] = "sha256-F5+R+DqrjY5y6muRtuZfgkM7JjNJEeku/WfHtLlGhzk=";
inline constexpr char kPageScriptHash[] = "sha256-XwJST0DYPnEtwlVEWxyi4N1o2+S4QN+9Pc6eM+V0T08=";

}  // namespace mcompress
